//go:build poll_opt

package kernel

// The build tag poll_opt changes the interface of gnet's poller: it then keeps
// pointers to attachments where the garbage collector cannot see them. It
// brought no speed when it was measured, so skein does not support it, and
// says so here instead of failing with a puzzling type error elsewhere.
var _ = "skein does not support the build tag poll_opt: build without -tags poll_opt" + 1
