package basic

import "errors"

// The causes for which a receiver closes its connection. The reason of
// ConnectionLost wraps them: match them with [errors.Is].
var (
	// ErrTooLong says that a message is longer than MaxLength, or, from
	// SendString, than its prefix can say.
	//
	// Twisted: basic.StringTooLongError.
	ErrTooLong = errors.New("basic: message too long")

	// ErrMalformed says that what came is no netstring.
	//
	// Twisted: basic.NetstringParseError.
	ErrMalformed = errors.New("basic: malformed netstring")
)

// The mistakes of a program, as the values of panics.
var (
	errUnbound = errors.New("basic: the receiver has no handler: " +
		"build it with LineFactory or StringFactory, or with BindLine or BindString")
	errShared = errors.New("basic: the handler has a connection already: " +
		"a factory's function must return a new one each time")
)
