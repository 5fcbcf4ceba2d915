package main_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// halted waits until a process that was sent SIGSTOP has stopped: until then it may
// accept one more.
func halted(t *testing.T, pid int) {
	t.Helper()
	eventually(t, fmt.Sprintf("process %d stops", pid), func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		must(t, err)
		for _, thread := range threads {
			text, err := os.ReadFile(thread)
			if err != nil { // it has ended meanwhile
				continue
			}
			_, state, _ := strings.Cut(string(text), ") ") // behind the name
			if !strings.HasPrefix(state, "T") {
				return false
			}
		}
		return len(threads) > 0
	})
}

// clientsOf returns the ports of the clients whose connections a process has
// accepted. It must not run meanwhile.
func clientsOf(t *testing.T, pid int) (ports []int) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	all, err := os.ReadDir(dir)
	must(t, err)
	sockets := map[uint32]bool{}
	for _, fd := range all {
		name, err := os.Readlink(dir + "/" + fd.Name())
		if number, found := strings.CutPrefix(name, "socket:["); err == nil && found {
			inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 32)
			must(t, err)
			sockets[uint32(inode)] = true
		}
	}
	// Not those that listen, or that no process has any more.
	askForSockets(t, ^uint32(1<<unix.BPF_TCP_LISTEN|1<<unix.BPF_TCP_TIME_WAIT), func(a answer) {
		if sockets[a.Inode] {
			ports = append(ports, int(binary.BigEndian.Uint16(a.Of.Peer[:])))
		}
	})
	return ports
}

// boundByRoot fails the test if the socket at a port was made by somebody else.
func boundByRoot(t *testing.T, port string) {
	t.Helper()
	number, err := strconv.Atoi(port)
	must(t, err)
	there := false
	askForSockets(t, 1<<unix.BPF_TCP_LISTEN, func(a answer) {
		if int(binary.BigEndian.Uint16(a.Of.Port[:])) != number {
			return
		}
		there = true
		if a.UID != 0 {
			t.Errorf("port %s was bound by user %d", port, a.UID)
		}
	})
	if !there {
		t.Errorf("nobody listens on port %s", port)
	}
}

// endpoints are the two ends of a connection, which <linux/inet_diag.h> calls struct
// inet_diag_sockid. Ports are in the network's order.
type endpoints struct {
	Port, Peer [2]byte
	_          [44]byte
}

// question is a message with its struct inet_diag_req_v2.
type question struct {
	Header                          syscall.NlMsghdr
	Family, Protocol, Extensions, _ uint8
	States                          uint32 // a bit for each
	Of                              endpoints
}

// answer is its struct inet_diag_msg.
type answer struct {
	Family, State, Timer, Retransmitted uint8
	Of                                  endpoints
	Expires, Unread, Unsent, UID, Inode uint32
}

// askForSockets calls f with all IPv4 TCP sockets of this machine that are in one of
// these states, of which each is a bit. It asks the kernel for just them:
// /proc/net/tcp takes seconds when other tests have left ten thousands of connections.
func askForSockets(t *testing.T, states uint32, f func(a answer)) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	must(t, err)
	defer func() { _ = syscall.Close(fd) }() // it was only read
	q := question{Family: syscall.AF_INET, Protocol: syscall.IPPROTO_TCP, States: states}
	q.Header = syscall.NlMsghdr{
		Len: uint32(binary.Size(q)), Type: unix.SOCK_DIAG_BY_FAMILY, Flags: syscall.NLM_F_REQUEST | syscall.NLM_F_DUMP,
	}
	text, err := binary.Append(nil, binary.NativeEndian, q)
	must(t, err)
	must(t, syscall.Sendto(fd, text, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}))
	for buffer := make([]byte, 1<<16); ; {
		n, _, err := syscall.Recvfrom(fd, buffer, 0)
		must(t, err)
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		must(t, err)
		for _, m := range messages {
			switch m.Header.Type {
			case syscall.NLMSG_DONE:
				return
			case syscall.NLMSG_ERROR:
				t.Fatalf("the kernel does not say which connections there are: %v", syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data))))
			}
			var a answer
			_, err := binary.Decode(m.Data, binary.NativeEndian, &a)
			must(t, err)
			f(a)
		}
	}
}
