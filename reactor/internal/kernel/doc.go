// Package kernel is all that the reactor asks of an operating system: wait for
// events, and read, write, accept, connect and close without blocking.
//
//	         Handler.Ready(fd, events, tag) each ready descriptor of a batch
//	Poll ──▶ Handler.Served()               after each few of them
//	         Handler.Turn()                 after the batch, if somebody called Wake
//
// There are two kernels. [Open] returns the machine's own: gnet's poller
// (epoll or kqueue), a timer, and system calls. The tests' kernel, in
// reactor/reactortest, keeps sockets in memory and moves a fake clock. The
// reactor cannot tell them apart, so what a test shows in memory is the code
// that runs in production.
//
// Reading order: kernel.go (the contract), machine.go, gnet.go (its poller), then
// socket.go, datagram.go, adopt.go and, for one platform, wait_linux.go,
// io_linux.go, ports_linux.go, alarm_linux.go and share_linux.go, or the _bsd ones.
package kernel
