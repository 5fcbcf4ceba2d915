package reactortest

import "skein/reactor/internal/kernel"

// NewMemoryKernel returns the kernel of a MemoryReactor, to be compared with
// the machine's.
func NewMemoryKernel() kernel.Kernel { return newMemory() }
