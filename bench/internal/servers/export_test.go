package servers

// Answers is for the tests of the netstrings.
var Answers = answers
