// Package pidfile keeps two instances of a program from running at once, and
// tells others the pid of the one that does.
//
// The file is held by a lock, not by what is in it:
//
//	open file ──▶ flock ──▶ does the path still name it? ──▶ the pid
//	    ▲                            │ no: somebody removed it in between
//	    └────────────────────────────┘
//
// The kernel gives the lock back when the last descriptor of the holder closes,
// however it ends. So a file left behind by a crash, or one with the pid of
// somebody else (in a container everybody is pid 1), never blocks a start, and
// two instances never run, however close together they start.
//
// The lock belongs to the open file, which a successor inherits: the file is
// locked throughout a restart. [File.Abandon] leaves it to the successor, which
// took it by [Adopt].
//
// The folder is held open, too: a chroot, another working directory or dropped
// privileges between [Acquire] and [File.Release] do not change which file is
// meant. The price is that this descriptor leads out of the chroot.
//
// A symbolic link is not followed, nor is a file with a second name written to:
// in a folder where others may write, they would say which file is overwritten.
//
// Reading order: file.go, read.go, place.go, errors.go.
//
// Twisted: checkPID and UnixApplicationRunner's pid file, which trusts the
// number in it.
package pidfile
