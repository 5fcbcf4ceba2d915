// Package systemd is what a daemon and systemd say to each other: the sockets
// that systemd has opened, and how the daemon is. Where systemd is not, all of
// it does nothing.
//
//	            LISTEN_PID, LISTEN_FDS, descriptors 3...
//	systemd  ─────────────────────────────────────────────▶  Sockets ──▶ reactor.WithSockets
//	   ▲        NOTIFY_SOCKET, WATCHDOG_USEC
//	   │     ─────────────────────────────────────────────▶  Open ──▶ *Notifier
//	   │                                                                 │
//	   ╰──── READY=1, RELOADING=1, STOPPING=1, STATUS=, MAINPID= ────────┤
//	         WATCHDOG=1, by a timer on the loop itself ──────────────────╯
//
// A unit for it:
//
//	[Service]
//	Type=notify
//	ExecStart=/usr/bin/skein fastpoetry
//	WatchdogSec=10
//	Restart=on-failure
//
// # With --daemon
//
// A process that detaches is another one than systemd has started: LISTEN_PID
// and WATCHDOG_PID name the first, so the second has neither sockets nor a
// watchdog, as the protocol wants it. Under systemd a server stays in the
// foreground.
//
// # A successor
//
// [Open] takes the variables out of the environment. The process that takes over
// gets them by [Notifier.Environ], and its predecessor tells its number by
// [Notifier.MainPID]: from then on systemd listens to the new one, and expects
// the signs of life from it.
//
// # Why not go-systemd
//
// Its SdNotify dials for each message, which fails after a chroot, and then
// writes with a blocking call: when systemd does not read, the loop would hang,
// and be taken for stuck. Its Files says nothing about a variable that makes no
// sense, a descriptor that is closed and one that is a connection: the server
// would bind a socket of its own and fail for a reason that is none. What is left
// of it is shorter than its import.
//
// Reading order: notify.go (what is said), send.go (how), watch.go (when nobody
// calls), activation.go.
package systemd
