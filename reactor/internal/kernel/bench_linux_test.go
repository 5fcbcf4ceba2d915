package kernel_test

import (
	"fmt"
	"syscall"
	"testing"
)

// BenchmarkReturns shows what it costs to return, behind a system call, from functions
// that were called before it: what "call/depth=16" takes beyond "call/depth=0" is more
// than what the same functions take by themselves, "none/depth=16". The rest is for the
// processor, which has lost count of where they return to.
func BenchmarkReturns(b *testing.B) {
	calls := []struct {
		name string
		f    func() int
	}{
		{"none", func() int { return 0 }},
		{"call", func() int {
			_, _, _ = syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
			return 0
		}},
	}
	for _, c := range calls {
		for _, depth := range []int{0, 16} {
			b.Run(fmt.Sprintf("%s/depth=%d", c.name, depth), func(b *testing.B) {
				for b.Loop() {
					under(depth, c.f)
				}
			})
		}
	}
}

// under calls f from depth functions further down.
//
//go:noinline
func under(depth int, f func() int) int {
	if depth == 0 {
		return f()
	}
	return under(depth-1, f) + 1
}
