package bench_test

import (
	"fmt"
	"testing"

	"skein/bench/internal/drive"
	"skein/bench/internal/rows"
)

// The benchmarks measure, for each server,
//
//	ns/op      the wall time of an operation, of many that overlap
//	cpu-ns/op  the CPU time that it takes the server's process
//	x-epoll    that, as a multiple of what a bare epoll loop takes that does the
//	           same at the same time, in turns: the median of the turns
//	allocs/op  what the server allocates; B/op, in bytes; objects/op, with the
//	           fraction that is left of an object where sixteen are made at a time
//
// The load is checked, to the last byte, on another core. Read x-epoll first:
// the others are only as steady as the machine.

const (
	messageSize = 64
	poemSize    = 3072
	atOnce      = 64
)

// BenchmarkEcho sends messages of 64 bytes, so many under way on each
// connection.
func BenchmarkEcho(b *testing.B) {
	p := choosePlace(b)
	for _, conns := range small(50, 1000, 10_000) {
		b.Run(fmt.Sprint("conns=", conns), func(b *testing.B) {
			needFiles(b, conns)
			for _, depth := range small(1, 16) {
				b.Run(fmt.Sprint("depth=", depth), func(b *testing.B) {
					newRow(b, p, drive.Echo{Conns: conns, Depth: depth, Size: messageSize}, "echo").run(b, engines()...)
				})
			}
		})
	}
}

// BenchmarkPoem connects, reads a poem of 3 KiB to the end, and closes; 64 at
// once.
func BenchmarkPoem(b *testing.B) {
	newRow(b, choosePlace(b), drive.Fetch{AtOnce: atOnce, Poem: poemSize}, "poem").run(b, engines()...)
}

// BenchmarkTransform sends requests on 50 connections, so many under way on
// each.
func BenchmarkTransform(b *testing.B) {
	p := choosePlace(b)
	for _, depth := range small(1, 16) {
		b.Run(fmt.Sprint("depth=", depth), func(b *testing.B) {
			newRow(b, p, drive.Transform{Conns: 50, Depth: depth, Size: messageSize}, "transform").run(b, engines()...)
		})
	}
}

// BenchmarkTransformOnce connects for each request; 64 at once.
func BenchmarkTransformOnce(b *testing.B) {
	newRow(b, choosePlace(b), drive.TransformOnce{AtOnce: atOnce, Size: messageSize}, "once").run(b, engines()...)
}

// BenchmarkProxy fetches a poem from a proxy that has it.
func BenchmarkProxy(b *testing.B) {
	p := choosePlace(b)
	newRow(b, p, drive.Fetch{AtOnce: atOnce, Poem: poemSize}, "proxy", "-origin", origin(b, p)).run(b, engines()...)
}

// BenchmarkRelay fetches a poem from a proxy that asks for it each time.
func BenchmarkRelay(b *testing.B) {
	p := choosePlace(b)
	newRow(b, p, drive.Fetch{AtOnce: atOnce, Poem: poemSize}, "relay", "-origin", origin(b, p)).run(b, engines()...)
}

// origin starts the server that proxies fetch the poem from, beside the load.
func origin(b *testing.B, p place) (addr string) {
	server := startServer(b, p.load, "epoll", "poem", "-poem", fmt.Sprint(poemSize), "-addr", rows.OriginAddr())
	b.Cleanup(func() {
		if err := server.Stop(); err != nil {
			b.Error(err)
		}
	})
	return server.Addr()
}

// BenchmarkStream reads without end. An operation is 64 KiB.
func BenchmarkStream(b *testing.B) {
	p := choosePlace(b)
	for _, conns := range small(1, 100) {
		b.Run(fmt.Sprint("conns=", conns), func(b *testing.B) {
			newRow(b, p, drive.Stream{Conns: conns}, "stream").run(b, engines()...)
		})
	}
}

// BenchmarkIdle holds 10,000 connections, and measures
//
//	B/conn        the memory of the server's process for each, when they are new
//	B/conn-after  the same when each has carried 4 KiB and its echo
//
// in bytes. An operation is such a message, on one connection after the other.
func BenchmarkIdle(b *testing.B) {
	conns := 10_000
	if testing.Short() {
		conns = 1000
	}
	needFiles(b, conns)
	r := newRow(b, choosePlace(b), drive.Idle{Conns: conns, Size: 4096}, "echo")
	r.warm = false
	after := map[string]int64{} // bytes of memory
	for _, name := range engines() {
		b.Run("server="+name, func(b *testing.B) {
			b.StopTimer()
			l := r.lane(b, name)
			if after[name] == 0 {
				l.work(b, conns, drive.NewResult())
				after[name] = private(b, l.server)
			}
			r.measure(b, name)
			b.ReportMetric(float64(l.opened-l.empty)/float64(conns), "B/conn")
			b.ReportMetric(float64(after[name]-l.empty)/float64(conns), "B/conn-after")
		})
	}
}

// BenchmarkLatency sends 20,000 messages of 64 bytes in a second over 1,000
// connections, whatever the server makes of it, and measures how long after it
// was due a message is back: in the middle, and of the slowest in a hundred and
// in a thousand.
func BenchmarkLatency(b *testing.B) {
	const conns, rate = 1000, 20_000
	needFiles(b, conns)
	r := newRow(b, choosePlace(b), drive.Paced{Conns: conns, Size: messageSize, Rate: rate}, "echo")
	for _, name := range engines() {
		b.Run("server="+name, func(b *testing.B) {
			result := r.measure(b, name)
			for unit, q := range map[string]float64{"p50-ns": 0.5, "p99-ns": 0.99, "p99.9-ns": 0.999} {
				b.ReportMetric(float64(result.Quantile(q)), unit)
			}
		})
	}
}

// small is the sizes to measure: under -short, the first alone.
func small(sizes ...int) []int {
	if testing.Short() {
		return sizes[:1]
	}
	return sizes
}
