package runner

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/alecthomas/kong"
)

// options are the runner's: they stand before or behind the name of what is run,
// and in a deployment file.
//
// Twisted: twistd's options.
type options struct {
	LogLevel    string `group:"log" enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" help:"The least important lines to log: debug, info, warn or error (default: ${default})."`
	LogFormat   string `group:"log" enum:"console,json" default:"console" placeholder:"FORMAT" help:"Log for people (console) or for programs (json) (default: ${default})."`
	Logfile     string `group:"log" placeholder:"FILE" help:"Log to a file; - is standard error (default: that, and with --daemon ${name}.log). SIGHUP opens it again, SIGUSR1 rotates it."`
	LogMaxBytes Size   `group:"log" default:"1000000" placeholder:"SIZE" help:"Rotate the log file when it would be larger (default: ${default}); 0 is never."`
	LogKeep     Number `group:"log" default:"10" placeholder:"N" help:"How many rotated log files to keep (default: ${default}); 0 is all."`
	Syslog      bool   `group:"log" help:"Log to syslog instead."`

	Daemon  bool          `group:"daemon" help:"Detach: the prompt is back when the server listens, or has said why it cannot."`
	Pidfile string        `group:"daemon" placeholder:"FILE" help:"Hold this file, with the pid in it, while the server runs (default: none, and with --daemon, stop and status ${name}.pid)."`
	Rundir  Text          `group:"daemon" placeholder:"DIR" help:"Change to this directory; files to serve are read before."`
	Chroot  Text          `group:"daemon" placeholder:"DIR" help:"Make this directory the root."`
	Umask   Text          `group:"daemon" placeholder:"MASK" help:"The umask, in octal (default: as it is, and with --daemon 077)."`
	UID     Text          `group:"daemon" name:"uid" placeholder:"USER" help:"Become this user, by name or number, when the ports are bound."`
	GID     Text          `group:"daemon" name:"gid" placeholder:"GROUP" help:"Become of this group, by name or number (default: that of --uid)."`
	Grace   Duration      `group:"daemon" default:"10s" placeholder:"TIME" help:"How long open connections may take to finish after SIGTERM or SIGINT; what is left is aborted (default: ${default})."`
	Workers Count         `group:"daemon" default:"1" placeholder:"N" help:"How many processes share the ports (default: ${default}). One that dies is started again."`
	Stats   ListenAddress `group:"daemon" placeholder:"[HOST:]PORT" help:"Show what the server does, at this address: to a browser, to curl, and for Prometheus at /metrics."`
}

// Text is an option: a text that is not empty. An empty one is a variable of the
// caller's that has not been set, and --uid "$USER" must not mean root then.
type Text string

// Decode takes the text.
func (t *Text) Decode(ctx *kong.DecodeContext) error {
	text, err := Value(ctx)
	if err != nil {
		return err
	}
	if text == "" {
		return errors.New("it is empty: give a value, or leave it out")
	}
	*t = Text(text)
	return nil
}

// Number is an option: a number of things, which may be none.
type Number int

// Decode parses a number from 0 up.
func (n *Number) Decode(ctx *kong.DecodeContext) error {
	text, err := Value(ctx)
	if err != nil {
		return err
	}
	x, err := strconv.Atoi(text)
	if err != nil || x < 0 {
		return fmt.Errorf("%q is not a number from 0 up", text)
	}
	*n = Number(x)
	return nil
}
