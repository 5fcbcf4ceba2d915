package transform_test

import (
	"bytes"
	"fmt"
	"net"

	"skein/apps/transform"
	"skein/deferred/clock"
	"skein/protocol/protocoltest"
)

// A transformation of one's own, in both forms.
func ExampleDirect() {
	whisper := func(dst, poem []byte) []byte {
		return append(dst, bytes.ReplaceAll(poem, []byte("!"), []byte("..."))...)
	}
	server := &transform.Server{
		Permitted: transform.Table{
			"whisper": transform.Now(func(poem string) string { return string(whisper(nil, []byte(poem))) }),
		},
		Direct:   transform.Direct{"whisper": whisper},
		Clock:    clock.NewFake(),
		Pipeline: true,
	}
	client := protocoltest.NewStringTransport()
	p := (&transform.Factory{Server: server}).BuildProtocol(&net.TCPAddr{})
	p.MakeConnection(client)
	p.ConnectionMade()
	p.DataReceived([]byte("13:whisper.Hear!,14:whisper.Hear!!,"))
	fmt.Printf("%s\n", client.Value())
	// Output: 7:Hear...,10:Hear......,
}
