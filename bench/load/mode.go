package load

// mode is what the clients of a generator do. It has no state of one client:
// that is in the client, so that one costs little.
type mode interface {
	// perOperation reports whether each operation has a connection of its own.
	perOperation() bool
	// ask sends the newest operation of c, whose connection stands.
	ask(c *client)
	// data takes input. It may be called when nothing is under way.
	data(c *client, p []byte)
	// ended settles the operations of c, whose connection is over for this
	// reason; what it leaves is failed by the caller.
	ended(c *client, reason error)
}

// newMode returns what the options ask for.
func newMode(g *Generator) mode {
	switch g.opts.Mode {
	case Idle:
		return idle{}
	case Echo:
		return newEcho(g)
	case Transform:
		return newTransform(g)
	}
	return newPoem(g)
}
