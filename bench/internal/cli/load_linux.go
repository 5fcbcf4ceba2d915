package cli

import "skein/bench/internal/drive"

// load is what the processes for loads do.
func load(args []string) int { return drive.Main(args) }
