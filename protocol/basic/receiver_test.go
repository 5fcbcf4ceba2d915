package basic_test

import (
	"runtime"
	"strings"
	"testing"

	"skein/protocol"
	"skein/protocol/protocoltest"
)

// The tests of this file hold for every receiver.

func TestAnyChunking(t *testing.T) {
	messages := []string{"hello", "", "a\nb", strings.Repeat("x", 200), "", "5:end,"}
	var want []string
	for _, m := range messages {
		want = append(want, "string "+m)
	}
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, _ receiver, got *taker) {
		stream := k.frames(messages...)
		for n := 1; n <= len(stream); n++ {
			feed(p, stream, n)
			got.want(t, want...)
		}
	})
}

// Twisted's NetstringReceiver goes on delivering, and so does its LineReceiver
// after abortConnection.
func TestNothingIsDeliveredOnceClosing(t *testing.T) {
	closes := map[string]func(protocol.Transport, receiver){
		"LoseConnection":  func(tr protocol.Transport, _ receiver) { tr.LoseConnection() },
		"AbortConnection": func(tr protocol.Transport, _ receiver) { tr.AbortConnection() },
		"StopProducing":   func(_ protocol.Transport, r receiver) { r.StopProducing() },
	}
	for name, closeIt := range closes {
		t.Run(name, func(t *testing.T) {
			everyKind(t, func(t *testing.T, k kind, tr *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
				got.on = func(m string) {
					if m == "b" {
						closeIt(tr, r)
					}
				}
				feed(p, k.frames("a", "b", "c", "d")+k.frame("half")[:3], 1000)
				got.want(t, "string a", "string b")
				if !tr.Disconnecting() {
					t.Error("the connection is not being closed")
				}
				r.DataReceived([]byte(k.frame("e")))
				r.ResumeProducing() // the transport would complain
				r.PauseProducing()
				got.want(t)
			})
		})
	}
}

// A transport that is closing delivers nothing; but bytes may come in other ways, or
// have been held back.
func TestNothingIsDeliveredOnceClosingWhateverTheWay(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, tr *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		got.on = func(m string) { // fed in by a handler that has closed
			if m == "b" {
				tr.LoseConnection()
				r.DataReceived([]byte(k.frames("c", "d")))
			}
		}
		feed(p, k.frames("a", "b"), 1000)
		got.want(t, "string a", "string b")
	})
	everyKind(t, func(t *testing.T, k kind, tr *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		got.on = func(string) { r.PauseProducing() } // held back by a handler
		feed(p, k.frames("a", "b", "c")+k.frame("half")[:2], 1000)
		tr.LoseConnection()
		r.ResumeProducing()
		r.DataReceived([]byte(k.frame("half")[2:]))
		got.want(t, "string a")
	})
	everyKind(t, func(t *testing.T, k kind, tr *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		feed(p, k.frame("half")[:2], 1000) // begun before, and completed by hand
		tr.LoseConnection()
		r.DataReceived([]byte(k.frame("half")[2:]))
		got.want(t)
	})
	everyKind(t, func(t *testing.T, k kind, tr *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		got.on = func(m string) { // resumed by a handler that has closed
			if m == "b" {
				r.PauseProducing()
				tr.LoseConnection()
				r.ResumeProducing()
			}
		}
		feed(p, k.frames("a", "b", "c"), 1000)
		got.want(t, "string a", "string b")
	})
}

func TestPauseInTheMiddleOfAChunk(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, tr *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		got.on = func(m string) {
			if m == "b" {
				r.PauseProducing()
			}
		}
		feed(p, k.frames("a", "b", "c")+k.frame("half")[:2], 1000)
		got.want(t, "string a", "string b")
		if tr.ProducerState() != protocoltest.Paused {
			t.Errorf("the transport is %v: what comes would pile up", tr.ProducerState())
		}
		feed(p, k.frame("half")[2:]+k.frame("e"), 1) // a transport may have had it in hand
		got.want(t)
		r.ResumeProducing()
		got.want(t, "string c", "string half", "string e")
		if tr.ProducerState() != protocoltest.Producing {
			t.Errorf("the transport is %v", tr.ProducerState())
		}
	})
}

// Twisted's IntNStringReceiver delivers a,a,a,a,b,b,b,b here.
func TestPauseAndResumeInsideAHandler(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		got.on = func(string) {
			r.PauseProducing()
			r.ResumeProducing()
		}
		for _, n := range []int{1000, 1, 2, 3} {
			feed(p, k.frames("a", "b", "c"), n)
			got.want(t, "string a", "string b", "string c")
		}
	})
}

func TestPauseAtEachMessage(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		got.on = func(string) { r.PauseProducing() }
		feed(p, k.frames("a", "", "c"), 1000)
		got.want(t, "string a")
		r.ResumeProducing()
		got.want(t, "string ")
		r.ResumeProducing()
		got.want(t, "string c")
		r.ResumeProducing()
		got.want(t)
	})
}

func TestPausedFromTheStart(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, _ protocol.Protocol, _ receiver, _ *taker) {
		p, r, got := k.build()
		r.PauseProducing()
		tr := connect(t, p)
		if tr.ProducerState() != protocoltest.Paused {
			t.Errorf("the transport is %v", tr.ProducerState())
		}
		feed(p, k.frame("a"), 1000)
		got.want(t)
		r.ResumeProducing()
		got.want(t, "string a")
	})
}

func TestDataReceivedInsideAHandler(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		depth := 0
		got.on = func(m string) {
			if depth++; depth > 1 {
				t.Error("a handler was called from inside itself")
			}
			if m == "a" {
				feed(r, k.frame("fed"), 1)
			}
			depth--
		}
		feed(p, k.frames("a", "b"), 1000)
		got.want(t, "string a", "string b", "string fed")
		feed(p, k.frames("a"), 1000)
		got.want(t, "string a", "string fed")
	})
}

// A handler that feeds itself for ever must not grow the stack, and a message
// at a time must not copy what waits behind it.
func TestNoRecursionAndNoQuadraticCost(t *testing.T) {
	const count = 50_000
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		calls, deepest := 0, 0
		got.on = func(string) {
			got.events = nil
			if calls++; calls < count {
				r.PauseProducing()
				r.DataReceived([]byte(k.frame("again")))
				r.ResumeProducing()
			}
			if calls%10_000 == 0 {
				deepest = max(deepest, runtime.Callers(0, make([]uintptr, 100)))
			}
		}
		feed(p, k.frame("again"), 1000)
		if calls != count {
			t.Errorf("%d messages, want %d", calls, count)
		}
		if deepest > 50 {
			t.Errorf("the stack is %d calls deep", deepest)
		}
	})
}

func TestAPanicCostsOneMessage(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, _ receiver, got *taker) {
		got.on = func(m string) {
			if m == "bad" {
				panic("bad")
			}
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not come through")
				}
			}()
			feed(p, k.frames("a", "bad", "b"), 1000)
		}()
		got.want(t, "string a", "string bad")
		feed(p, k.frame("c"), 1000)
		got.want(t, "string b", "string c")
	})
}

func TestTheTailIsDroppedWithTheConnection(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		feed(p, k.frame("a")+k.frame("half")[:3], 1000)
		r.PauseProducing()
		p.ConnectionLost(protocol.ErrConnectionDone)
		got.want(t, "string a")

		// The handler may serve another connection, which begins afresh.
		tr := connect(t, p)
		if tr.ProducerState() != protocoltest.Producing {
			t.Errorf("the transport is %v", tr.ProducerState())
		}
		feed(p, k.frame("b"), 1000)
		got.want(t, "string b")
	})
}

func TestTheReceiverIsAPushProducer(t *testing.T) {
	everyKind(t, func(t *testing.T, _ kind, _ *protocoltest.StringTransport, _ protocol.Protocol, r receiver, _ *taker) {
		if err := protocoltest.NewStringTransport().RegisterProducer(r, true); err != nil {
			t.Error(err)
		}
	})
}

// An append of nothing would leave what is held in the loop's own buffer.
func TestNoDataInsideAHandler(t *testing.T) {
	everyKind(t, func(t *testing.T, k kind, _ *protocoltest.StringTransport, p protocol.Protocol, r receiver, got *taker) {
		got.on = func(string) {
			r.PauseProducing()
			r.DataReceived(nil)
		}
		feed(p, k.frames("a", "b"), 1000)
		got.want(t, "string a")
		r.ResumeProducing()
		got.want(t, "string b")
	})
}
