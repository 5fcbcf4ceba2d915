package command

// For the tests outside of the package.
var Instructions = instructions
