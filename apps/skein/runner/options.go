package runner

// options are the runner's: they stand before or behind the name of what is run,
// and in a deployment file.
type options struct {
	LogLevel  string `group:"log" enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" help:"The least important lines to log: debug, info, warn or error (default: ${default})."`
	LogFormat string `group:"log" enum:"console,json" default:"console" placeholder:"FORMAT" help:"Log for people (console) or for programs (json) (default: ${default})."`

	Grace Duration `group:"daemon" default:"10s" placeholder:"TIME" help:"How long open connections may take to finish after SIGTERM or SIGINT; what is left is aborted (default: ${default})."`
}
