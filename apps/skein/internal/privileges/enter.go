//go:build linux || darwin || freebsd

package privileges

import (
	"os"
	"syscall"
)

// Enter changes the root, the directory and the umask, in this order, as far as
// they were asked for. Without a run directory, the directory is the new root,
// or stays what it is. The error is an [*Error].
func (p *Plan) Enter() error {
	o := p.options
	if o.Chroot != "" {
		if err := syscall.Chroot(o.Chroot); err != nil {
			return &Error{"--chroot", o.Chroot, errnoOf(err), "start as root, with a directory that is there"}
		}
		// Else the directory would still be outside, and the way out with it.
		if err := os.Chdir("/"); err != nil {
			return &Error{"--chroot", o.Chroot, errnoOf(err), "it must be possible to enter it"}
		}
	}
	if o.RunDir != "" {
		if err := os.Chdir(o.RunDir); err != nil {
			return &Error{"--rundir", o.RunDir, errnoOf(err), "give a directory that can be entered"}
		}
	}
	if p.umask != unset {
		syscall.Umask(p.umask)
	}
	return nil
}
