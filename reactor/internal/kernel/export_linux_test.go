package kernel

// ParsePorts reads a range of ports and returns its ends.
func ParsePorts(text string) (low, high uint16) {
	r := parsePorts(text)
	return r.low, r.high
}
