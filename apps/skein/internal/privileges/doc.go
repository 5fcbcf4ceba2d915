//go:build linux || darwin || freebsd

// Package privileges gives up what a server does not need once its ports are
// bound: the file system outside a directory, and being root.
//
//	Plan ─────────▶ Enter ──────────────────────▶ Drop
//	look up names   chroot, chdir, umask          groups, gid, uid, and a look
//	                                              whether they are gone for good
//
// The names are looked up first, before a chroot hides /etc/passwd, and before
// anything has begun: a name that is wrong ends the start with nothing half done.
// The ports are bound between Enter and Drop.
//
// # Reading order
//
// options.go (what is asked, and whether it can be), enter.go, drop.go.
//
// Twisted: twistd's --uid, --gid, --umask, --chroot and --rundir;
// util.switchUID.
package privileges
