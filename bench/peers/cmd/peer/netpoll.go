package main

import (
	"context"
	"io"
	"sync"

	"github.com/cloudwego/netpoll"
)

// netpollServer is a server on netpoll: one poller, which reads, and goroutines
// of its pool, which call back and wait when a client does not take what they
// write.
type netpollServer struct {
	options

	zeros []byte
	mu    sync.Mutex // proxy: one fetches, the others wait
	text  []byte     // the poem; of the proxy: nil until it is fetched
}

// startNetpoll makes a server on netpoll.
func startNetpoll(o options) (string, error) {
	err := netpoll.Configure(netpoll.Config{PollerNum: 1, LoggerOutput: io.Discard})
	if err != nil {
		return "", err
	}
	listener, err := o.listen("tcp", o.addr)
	if err != nil {
		return "", err
	}
	s := &netpollServer{options: o}
	request, connect := s.callbacks()
	var with []netpoll.Option
	if connect != nil {
		with = append(with, netpoll.WithOnConnect(func(ctx context.Context, c netpoll.Connection) context.Context {
			connect(c)
			return ctx
		}))
	}
	if o.work == workTransform || o.work == workOnce {
		with = append(with, netpoll.WithOnPrepare(prepareReader))
	}
	loop, err := netpoll.NewEventLoop(request, with...)
	if err != nil {
		return "", err
	}
	address := listener.Addr().String()
	go func() {
		if err := loop.Serve(listener); err != nil {
			end(statusFailed, err)
		}
	}()
	return address, nil
}

// callbacks returns what is done when data comes, and when a client has come.
func (s *netpollServer) callbacks() (netpoll.OnRequest, func(netpoll.Connection)) {
	switch s.work {
	case workEcho:
		return echoNetpoll, nil
	case workTransform, workOnce:
		return s.answer, nil
	case workStream:
		s.zeros = newPiece()
		return ignore, s.sendStream
	case workProxy:
		return ignore, s.sendCached
	case workRelay:
		return ignore, s.sendFetched
	default:
		s.text = compose(s.poem)
		return ignore, s.sendPoem
	}
}
