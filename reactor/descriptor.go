package reactor

import (
	"fmt"
	"syscall"

	"skein/protocol"
	"skein/reactor/internal/kernel"
)

// FileDescriptor is a bare descriptor that its owner reads or writes itself:
// the reactor only says when. It must be non-blocking, and of a kind that can
// be polled: a socket, a pipe, a terminal, not a file.
//
// Twisted: IFileDescriptor.
type FileDescriptor interface {
	// Fileno returns the descriptor's number, which must not change.
	Fileno() int
	// ConnectionLost says that the reactor will not watch the descriptor any
	// more: a DoRead or DoWrite failed or panicked, or the reactor stops. It is
	// the owner who closes it.
	ConnectionLost(reason error)
}

// ReadDescriptor is told when it can read.
//
// Twisted: IReadDescriptor.
type ReadDescriptor interface {
	FileDescriptor
	// DoRead is called as long as there is input, once a turn: reading it all is
	// not necessary. An error ends the watch.
	DoRead() error
}

// WriteDescriptor is told when it can write.
//
// Twisted: IWriteDescriptor.
type WriteDescriptor interface {
	FileDescriptor
	// DoWrite is called as long as there is room, once a turn. An error ends the
	// watch.
	DoWrite() error
}

// descriptor is the source of a bare descriptor. The kernel tells edges, but
// the owner of a descriptor need not exhaust it: so after each call the kernel
// is asked whether there is more, which makes levels of the edges.
type descriptor struct {
	r      *Reactor
	fd     int
	reader ReadDescriptor
	writer WriteDescriptor
	queued bool
}

// AddReader calls rd.DoRead whenever rd can be read, until [Reactor.RemoveReader].
// Adding it twice does nothing. It returns an error if the kernel cannot watch
// the descriptor, and [ErrDescriptorBusy] if something else is watching it.
//
// Twisted: reactor.addReader.
func (r *Reactor) AddReader(rd ReadDescriptor) error {
	r.check("AddReader")
	d, err := r.descriptor(rd.Fileno())
	if err != nil {
		return err
	}
	if d.reader != nil && d.reader != rd {
		return ErrDescriptorBusy
	}
	d.reader = rd
	d.look()
	return nil
}

// AddWriter calls wd.DoWrite whenever wd can be written, until
// [Reactor.RemoveWriter]. The errors are those of AddReader.
//
// Twisted: reactor.addWriter.
func (r *Reactor) AddWriter(wd WriteDescriptor) error {
	r.check("AddWriter")
	d, err := r.descriptor(wd.Fileno())
	if err != nil {
		return err
	}
	if d.writer != nil && d.writer != wd {
		return ErrDescriptorBusy
	}
	d.writer = wd
	d.look()
	return nil
}

// RemoveReader ends what AddReader began. The owner removes a descriptor before
// closing it.
//
// Twisted: reactor.removeReader.
func (r *Reactor) RemoveReader(rd ReadDescriptor) {
	r.check("RemoveReader")
	if d := r.watched(rd.Fileno()); d != nil && d.reader == rd {
		d.reader = nil
		d.forget()
	}
}

// RemoveWriter ends what AddWriter began.
//
// Twisted: reactor.removeWriter.
func (r *Reactor) RemoveWriter(wd WriteDescriptor) {
	r.check("RemoveWriter")
	if d := r.watched(wd.Fileno()); d != nil && d.writer == wd {
		d.writer = nil
		d.forget()
	}
}

// descriptor returns the source of a bare descriptor, made if need be.
func (r *Reactor) descriptor(fd int) (*descriptor, error) {
	if fd < 0 {
		return nil, fmt.Errorf("reactor: watch descriptor %d: %w", fd, syscall.EBADF)
	}
	if d := r.watched(fd); d != nil {
		return d, nil
	}
	if fd < len(r.table) && r.table[fd] != nil {
		return nil, ErrDescriptorBusy
	}
	if r.closed {
		return nil, ErrStopped
	}
	d := &descriptor{r: r, fd: fd}
	if err := r.watch(fd, d); err != nil {
		return nil, fmt.Errorf("reactor: watch descriptor %d: %w", fd, err)
	}
	return d, nil
}

// watched returns the source of a bare descriptor, or nil.
func (r *Reactor) watched(fd int) *descriptor {
	if fd < 0 || fd >= len(r.table) {
		return nil
	}
	d, _ := r.table[fd].(*descriptor)
	return d
}

// forget stops watching a descriptor that nobody asks about. The number is the
// owner's, who may close it at once, so another socket may get it within this
// batch, and the events that are left: no source takes an edge for more than a
// hint.
func (d *descriptor) forget() {
	if d.reader == nil && d.writer == nil && d.r.watched(d.fd) == d {
		d.r.table[d.fd] = nil
		d.r.kernel.Remove(d.fd)
	}
}

// ready takes an edge.
func (d *descriptor) ready(kernel.Events, uint32) { d.look() }

// look queues the descriptor for the next turn's calls.
func (d *descriptor) look() {
	if !d.queued {
		d.queued = true
		d.r.enqueue(d)
	}
}

// serve makes the calls that the descriptor's state asks for now.
func (d *descriptor) serve() {
	d.queued = false
	if d.r.watched(d.fd) != d {
		return
	}
	ev := d.r.kernel.Pending(d.fd)
	served := false
	if rd := d.reader; rd != nil && ev&kernel.Readable != 0 {
		served = true
		d.call("DoRead", rd.DoRead)
	}
	if wd := d.writer; wd != nil && ev&kernel.Writable != 0 {
		served = true
		d.call("DoWrite", wd.DoWrite)
	}
	if served && d.r.watched(d.fd) == d {
		d.look()
	}
}

// call makes one call; an error or a panic ends the watch.
func (d *descriptor) call(what string, f func() error) {
	var err error
	if failure := d.r.do(d, what, func() { err = f() }); failure != nil {
		err = failure
	}
	if err != nil {
		d.lose(protocol.CloseReason(protocol.ErrConnectionLost, err))
	}
}

// lose ends the watch and tells the owner.
func (d *descriptor) lose(reason error) {
	var told []FileDescriptor
	if d.reader != nil {
		told = append(told, d.reader)
	}
	if d.writer != nil && (d.reader == nil || FileDescriptor(d.writer) != FileDescriptor(d.reader)) {
		told = append(told, d.writer)
	}
	d.reader, d.writer = nil, nil
	d.forget()
	for _, fd := range told {
		_ = d.r.do(d, "ConnectionLost", func() { fd.ConnectionLost(reason) })
	}
}

// shutdown ends the watch because the reactor stops.
func (d *descriptor) shutdown() {
	d.lose(protocol.CloseReason(protocol.ErrConnectionLost, ErrStopped))
}

// logName names the descriptor for the log.
func (d *descriptor) logName() string { return fmt.Sprintf("descriptor %d", d.fd) }
