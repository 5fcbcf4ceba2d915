package protocoltest

import (
	"fmt"
	"net"

	"skein/protocol"
)

// closedError is what a method returns that comes too late.
func closedError(method, after string) error {
	return fmt.Errorf("protocoltest: %s after %s: %w", method, after, net.ErrClosed)
}

// checkProducer returns the error of registering p beside the present one.
func checkProducer(p protocol.Producer, streaming bool, present protocol.Producer) error {
	if present != nil {
		return protocol.ErrProducerRegistered
	}
	if _, push := p.(protocol.PushProducer); streaming && !push {
		return protocol.ErrNotPushProducer
	}
	return nil
}
