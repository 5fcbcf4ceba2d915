package stats

import (
	"os"
	"strconv"
	"strings"
)

// files are those of /proc, kept open: after a chroot there is none, and after a
// change of user they are root's. Either is nil if it could not be opened.
type files struct{ statm, fds *os.File }

// openFiles opens them.
func openFiles() files {
	statm, _ := os.Open("/proc/self/statm")
	fds, _ := os.Open("/proc/self/fd")
	return files{statm, fds}
}

// close closes them.
func (f *files) close() {
	_ = f.statm.Close() // a nil file has an error to return
	_ = f.fds.Close()
	*f = files{}
}

// resident returns the bytes of memory that the process has in use.
func (f *files) resident() uint64 {
	if f.statm == nil {
		return 0
	}
	var buf [128]byte
	n, _ := f.statm.ReadAt(buf[:], 0) // it ends before the buffer does
	fields := strings.Fields(string(buf[:n]))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(fields[1], 10, 64) // 0 if it is no number
	return pages * uint64(os.Getpagesize())
}

// descriptors returns how many are open, which Linux says as the directory's
// size from 6.2 on. To count its entries could take as long as a slow callback.
func (f *files) descriptors() uint64 {
	if f.fds == nil {
		return 0
	}
	info, err := f.fds.Stat()
	if err != nil {
		return 0
	}
	return uint64(max(info.Size(), 0))
}
