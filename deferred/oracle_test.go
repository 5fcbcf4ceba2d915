package deferred_test

// The tests in the files oracle_*_test.go are the oracle rows: what the
// reference implementation was seen to do, case by case, with the same names.
// Where skein decides otherwise on purpose, the row says DIFFER and asserts
// what skein does. These rows have no meaning in Go:
//
//	row                                                     reason
//	errback() without argument inside an except block       Go has no current exception
//	errback("a string")                                     does not compile
//	addCallbacks with extra args and keywords               closures do that
//	an element that is not a Deferred                       does not compile; nil has a row of its own
//	a generator instead of a list                           the argument is a slice
//	resultList while incomplete                             a list is a plain *Deferred, without attributes
//	maybeDeferred: arguments passed on                      closures do that
//	maybeDeferred: coroutine function                       Go has no coroutine functions
//	maybeDeferred: a generator object is just a value       Go has no generator objects
//	ensureDeferred(5)                                       does not compile
//	inlineCallbacks: a function that is not a generator     does not compile; nil has a row of its own
//	a generator given as an argument / inlineCallbacks      Go has neither
//	on a coroutine function
//	log level / event fields of the two log events          one report with a struct, and no log
//	str, repr, getErrorMessage of Failure(E("msg"))         there is no Failure: errors print themselves
//	str of Failure(E()) with an empty message               the same
//	Failure() with no exception active                      Go has no current exception
//	Failure("string") / Failure(5)                          there is no Failure
//	raiseException raises the same object                   there is no Failure to raise it
//	raising a Failure's value inside an errback makes       the same: an error goes on by being returned
//	a new Failure with the same value
//	Failure of a Failure                                    there is no Failure
