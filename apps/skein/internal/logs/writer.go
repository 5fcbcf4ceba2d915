package logs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// enough is how many bytes are formatted before they are written.
const enough = 64 << 10

// writer is the one goroutine that writes.
type writer struct {
	queue  *queue
	sink   sink
	format format

	gaveUp atomic.Bool // Close has: nothing is written any more

	// The goroutine's own.
	owed       []byte  // the rest of a line that the sink has taken in part
	unsaid     uint64  // lines that are lost, and no line has said so
	reason     error   // the last one for which a line was lost
	complaints []error // of the sink, that are to be logged

	result error // Close's, when the goroutine is over
}

// run writes until the queue is closed and empty.
func (w *writer) run() {
	var b batch
	for last := false; !last; {
		b, last = w.queue.take(b)
		at := 0
		for _, o := range b.orders {
			w.lines(b.text[at:o.at])
			o.done <- w.obey(o.task)
			at = o.at
		}
		w.lines(b.text[at:])
		if b.missed > 0 {
			w.unsaid, w.reason = w.unsaid+b.missed, ErrFull
		}
		w.settle()
	}
	if len(w.owed) > 0 {
		w.refuse(1, w.reason)
	}
	if err := w.sink.close(); err != nil && w.unsaid == 0 {
		w.result = err
	}
	if w.unsaid > 0 {
		w.result = &LostError{Lines: w.unsaid, Err: w.reason}
	}
}

// lines formats lines and writes them.
func (w *writer) lines(text []byte) {
	for line := range bytes.Lines(text) {
		w.format.add(line)
		if w.format.out.Len() >= enough {
			w.send()
		}
	}
	w.send()
}

// send writes what is formatted, and loses what the sink refuses.
func (w *writer) send() {
	for text, left := w.format.out.Bytes(), w.format.records; len(left) > 0; {
		if w.gaveUp.Load() {
			w.refuse(len(left), os.ErrDeadlineExceeded)
			w.queue.done.Add(uint64(len(left)))
			break
		}
		if !w.settle() {
			w.refuse(1, w.reason)
			w.queue.done.Add(1)
			left = left[1:]
			continue
		}
		upTo, err := w.sink.write(text, left)
		taken := 0
		for taken < len(left) && left[taken].end <= upTo {
			taken++
		}
		w.queue.done.Add(uint64(taken))
		left = left[taken:]
		if err == nil || len(left) == 0 {
			continue
		}
		if first := left[0]; upTo > first.start {
			w.owed, w.reason = append(w.owed[:0], text[upTo:first.end]...), err
		} else {
			w.refuse(1, err)
		}
		w.queue.done.Add(1)
		left = left[1:]
	}
	w.format.reset()
	w.voice()
}

// settle writes what comes before the next line: the rest of one, and how many
// are missing. It reports whether the sink took that.
func (w *writer) settle() bool {
	if w.gaveUp.Load() {
		w.reason = os.ErrDeadlineExceeded
		return false
	}
	if len(w.owed) > 0 {
		n, err := w.sink.finish(w.owed)
		w.owed = w.owed[n:]
		if err != nil {
			w.reason = err
			return false
		}
	}
	if w.unsaid == 0 {
		return true
	}
	f := w.format.apart()
	f.own(zerolog.WarnLevel, lines(w.unsaid)+" dropped", w.unsaid)
	upTo, err := w.sink.write(f.out.Bytes(), f.records)
	if err != nil && upTo == 0 {
		w.reason = err
		return false
	}
	w.queue.told.Add(w.unsaid)
	w.unsaid = 0
	w.owed = append(w.owed[:0], f.out.Bytes()[upTo:]...)
	return err == nil
}

// refuse counts lines that the sink has not taken.
func (w *writer) refuse(n int, reason error) {
	w.unsaid += uint64(n)
	w.queue.lost.Add(uint64(n))
	w.reason = reason
}

// obey does a task.
func (w *writer) obey(t task) error {
	do := w.sink.reopen
	if t == rotate {
		do = w.sink.rotate
	}
	fresh, err := do()
	if fresh && len(w.owed) > 0 { // the line's beginning is elsewhere now
		w.owed = w.owed[:0]
		w.refuse(1, w.reason)
	}
	if err != nil {
		w.complain(err)
		w.voice()
	}
	return err
}

// complain notes what is to be logged when the lines at hand are written.
func (w *writer) complain(err error) { w.complaints = append(w.complaints, err) }

// voice logs what has been noted.
func (w *writer) voice() {
	if len(w.complaints) == 0 {
		return
	}
	said := w.complaints
	w.complaints = nil
	for _, err := range said {
		w.format.own(zerolog.ErrorLevel, err.Error(), 0)
		w.queue.mu.Lock()
		w.queue.total++ // it is done with like the others
		w.queue.mu.Unlock()
	}
	w.send()
}

// pour writes records in pieces of so many bytes at most, each of whole
// records.
func pour(out io.Writer, text []byte, records []record, most int) (upTo int, err error) {
	upTo = records[0].start
	for i := 0; i < len(records); {
		end := records[i].end
		for i++; i < len(records) && records[i].end-upTo <= most; i++ {
			end = records[i].end
		}
		n, err := out.Write(text[upTo:end])
		if err == nil && n < end-upTo {
			err = io.ErrShortWrite
		}
		upTo += n
		if err != nil {
			return upTo, bare(err)
		}
	}
	return upTo, nil
}

// bare takes the operation and the path off an error of package os.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
