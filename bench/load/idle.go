package load

// idle is the mode in which nothing happens. What the server sends is counted
// and dropped; a connection that it ends is lost, an error, and not opened
// again: a server that sends a poem and closes has no idle clients.
type idle struct{}

// perOperation is false: there are no operations.
func (idle) perOperation() bool { return false }

// ask is not called.
func (idle) ask(*client) {}

// data drops what comes.
func (idle) data(*client, []byte) {}

// ended has nothing to settle.
func (idle) ended(*client, error) {}
