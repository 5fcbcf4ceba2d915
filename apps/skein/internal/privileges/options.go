//go:build linux || darwin || freebsd

package privileges

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Options are what a command line asks for; "" asks for nothing.
type Options struct {
	// UID is a user, by name or number. Without GID, its primary group is taken,
	// too.
	UID string
	// GID is a group, by name or number.
	GID string
	// Umask is the umask, an octal number.
	Umask string
	// Chroot is the directory that becomes the root.
	Chroot string
	// RunDir is the directory to run in: inside Chroot, if that is given.
	RunDir string
}

// Error says that an option cannot be had.
type Error struct {
	// Option is the flag, as "--uid".
	Option string
	// Value is its value, as it was given.
	Value string
	// Err is what is wrong with it.
	Err error
	// Remedy is what to do.
	Remedy string
}

// Error names all of these.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %v: %s", e.Option, e.Value, e.Err, e.Remedy)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// The causes of an [Error] that are not the system's. Match them with
// [errors.Is].
var (
	// ErrUnknown says that there is no such user or group.
	ErrUnknown = errors.New("there is no such name")
	// ErrNotNumber says that a umask is not one.
	ErrNotNumber = errors.New("that is not an octal number up to 0777")
	// ErrNoGroup says that a user's groups are not known.
	ErrNoGroup = errors.New("this number is no user that the system knows, so its group is not known")
	// ErrNotRoot says that only root can do that.
	ErrNotRoot = errors.New("only root can do that")
	// ErrNotDirectory says that a directory is something else.
	ErrNotDirectory = errors.New("that is not a directory")
	// ErrNotDropped says that privileges could be taken back.
	ErrNotDropped = errors.New("the process can still become root, or is not who it was to be")
)

// unset is an id that is to stay as it is.
const unset = -1

// Plan is what is to be done, with numbers for names.
type Plan struct {
	options  Options
	uid, gid int   // or unset
	groups   []int // the supplementary groups, if there is a uid or gid
	umask    int   // or unset
}

// Plan looks up the names and checks that what is asked for can be done: that the
// process is root where it must be, and that the directories are there. The error
// is an [*Error].
func (o Options) Plan() (*Plan, error) {
	p := &Plan{options: o, uid: unset, gid: unset, umask: unset}
	for _, step := range []func() error{p.planUmask, p.planGroup, p.planUser, p.planDirectories} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Drops reports whether Drop will change who the process is.
func (p *Plan) Drops() bool {
	return p.uid != unset && p.uid != os.Geteuid() || p.gid != unset && p.gid != os.Getegid()
}

// Owner returns the user and group that the process will be after Drop, as
// os.Chown takes them: -1 for one that stays.
func (p *Plan) Owner() (uid, gid int) { return p.uid, p.gid }

// planUmask reads the umask.
func (p *Plan) planUmask() error {
	text := p.options.Umask
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return &Error{"--umask", text, ErrNotNumber, "give one as 022"}
	}
	p.umask = int(n)
	return nil
}

// planGroup looks up the group.
func (p *Plan) planGroup() error {
	text := p.options.GID
	if text == "" {
		return nil
	}
	gid, ok := number(text)
	if g, err := user.LookupGroup(text); err == nil { // a name may be all digits
		gid, ok = number(g.Gid)
	}
	if !ok {
		return &Error{"--gid", text, ErrUnknown, "give the name of a group of this machine, or its number"}
	}
	p.gid, p.groups = gid, []int{gid}
	if os.Geteuid() != 0 && (gid != os.Getegid() || gid != os.Getgid()) {
		return &Error{"--gid", text, ErrNotRoot, "start as root, or without --gid"}
	}
	return nil
}

// planUser looks up the user and its groups.
func (p *Plan) planUser() error {
	text := p.options.UID
	if text == "" {
		return nil
	}
	uid, isNumber := number(text)
	u, err := user.Lookup(text) // a name may be all digits
	if err != nil && isNumber {
		u, err = user.LookupId(text)
	}
	known := err == nil
	if known {
		if uid, known = number(u.Uid); !known {
			return p.badUser(ErrUnknown, "its number is none: see /etc/passwd")
		}
	}
	p.uid = uid
	switch {
	case !known && !isNumber:
		return p.badUser(ErrUnknown, "give the name of a user of this machine, or its number")
	case os.Geteuid() == 0 && known:
		return p.planGroups(u)
	case os.Geteuid() == 0 && p.gid == unset:
		return p.badUser(ErrNoGroup, "give its group by --gid, too")
	case os.Geteuid() != 0 && (uid != os.Geteuid() || uid != os.Getuid()):
		return p.badUser(ErrNotRoot, "start as root, or without --uid")
	}
	return nil // it is this user already, in the groups that it has, or has the one group
}

// badUser makes an Error of what is wrong with the user.
func (p *Plan) badUser(err error, remedy string) error {
	return &Error{"--uid", p.options.UID, err, remedy}
}

// planGroups takes the groups of a user: the primary one, unless --gid names
// another, and those that it is a member of.
func (p *Plan) planGroups(u *user.User) error {
	primary, ok := number(u.Gid)
	if !ok {
		return p.badUser(ErrNoGroup, "give its group by --gid, too")
	}
	if p.gid == unset {
		p.gid = primary
	}
	p.groups = []int{p.gid}
	list, err := u.GroupIds()
	if err != nil {
		return p.badUser(fmt.Errorf("its groups cannot be found: %w", err), "see /etc/group")
	}
	for _, text := range list {
		if gid, ok := number(text); ok && gid != primary && !slices.Contains(p.groups, gid) {
			p.groups = append(p.groups, gid)
		}
	}
	return nil
}

// planDirectories looks whether the directories are there.
func (p *Plan) planDirectories() error {
	o := p.options
	if o.Chroot != "" {
		if os.Geteuid() != 0 {
			return &Error{"--chroot", o.Chroot, ErrNotRoot, "start as root, or without --chroot"}
		}
		if err := directory(o.Chroot); err != nil {
			return &Error{"--chroot", o.Chroot, err, "give a directory that is there"}
		}
	}
	if o.RunDir == "" {
		return nil
	}
	if o.Chroot != "" {
		if err := directory(filepath.Join(o.Chroot, o.RunDir)); err != nil {
			return &Error{"--rundir", o.RunDir, err, "give a directory that is there, inside " + o.Chroot}
		}
		return nil
	}
	if err := directory(o.RunDir); err != nil {
		return &Error{"--rundir", o.RunDir, err, "give a directory that is there"}
	}
	return nil
}

// directory reports what is not a directory, without the path.
func directory(path string) error {
	info, err := os.Stat(path)
	var e *os.PathError
	switch {
	case errors.As(err, &e):
		return e.Err
	case err != nil:
		return err
	case !info.IsDir():
		return ErrNotDirectory
	}
	return nil
}

// number reads the number of a user or group. The highest one means "leave it
// alone" to the system.
func number(text string) (id int, ok bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, false
	}
	return int(n), true
}

// errnoOf takes the system's error out of what surrounds it.
func errnoOf(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
