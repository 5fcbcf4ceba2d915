//go:build linux || darwin || freebsd

package privileges

import (
	"fmt"
	"os"
	"slices"
	"syscall"
)

// Drop makes the process the user and group that were asked for, all its threads,
// and makes sure that there is no way back. One that is these already, as the
// successor of a process that has dropped its privileges, is left alone. The
// error is an [*Error]; the process must end then, for it may be half of each.
//
// Twisted: util.switchUID, without the look afterwards.
func (p *Plan) Drop() error {
	if p.uid == unset && p.gid == unset {
		return nil
	}
	if os.Geteuid() == 0 {
		// The groups first, and the user last: who is not root may not change them.
		if err := syscall.Setgroups(p.groups); err != nil {
			return p.refused(fmt.Errorf("setting the groups: %w", err))
		}
		if err := syscall.Setgid(p.gid); err != nil {
			return p.refused(fmt.Errorf("setting the group: %w", err))
		}
		if p.uid != unset {
			if err := syscall.Setuid(p.uid); err != nil {
				return p.refused(fmt.Errorf("setting the user: %w", err))
			}
		}
	}
	return p.verify()
}

// refused makes an Error of what the system does not allow.
func (p *Plan) refused(err error) error {
	return &Error{p.option(), p.value(), err, "start as root, or without it"}
}

// verify looks whether the process is who it was to be, and cannot be root again.
func (p *Plan) verify() error {
	for _, id := range userIDs() {
		if p.uid != unset && id != p.uid {
			return p.remains(fmt.Sprintf("a user id is still %d", id))
		}
	}
	for _, id := range groupIDs() {
		if p.gid != unset && id != p.gid {
			return p.remains(fmt.Sprintf("a group id is still %d", id))
		}
	}
	if p.uid == unset || p.uid == 0 {
		return nil // it was to stay root
	}
	if syscall.Setuid(0) == nil || syscall.Seteuid(0) == nil {
		return p.remains("the user can be changed back")
	}
	if p.gid != 0 && (syscall.Setgid(0) == nil || syscall.Setegid(0) == nil) {
		return p.remains("the group can be changed back")
	}
	if got, err := syscall.Getgroups(); err == nil && !slices.Contains(p.groups, 0) && slices.Contains(got, 0) {
		return p.remains("root's group is still among the groups")
	}
	return nil
}

// remains makes an Error of what should be gone.
func (p *Plan) remains(what string) error {
	return &Error{p.option(), p.value(), fmt.Errorf("%w: %s", ErrNotDropped, what), "look for file capabilities and security modules that keep it"}
}

// option is the flag that asked for it.
func (p *Plan) option() string {
	if p.uid == unset {
		return "--gid"
	}
	return "--uid"
}

// value is the flag's value.
func (p *Plan) value() string {
	if p.uid == unset {
		return p.options.GID
	}
	return p.options.UID
}
