package rows

// Outside returns the address of a free port that is not in a range.
var Outside = outside
