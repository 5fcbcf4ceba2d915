package transform

import "strings"

// Append is a transformation that has its result at once: it appends the new poem
// to dst, which it does not look at, and returns the extended slice, as the
// functions named Append... of the standard library do. The poem is valid UTF-8;
// it lies in the receiver's memory, so it must be neither changed nor kept.
type Append func(dst, poem []byte) []byte

// Direct is the short way for some names of a [Table]: a request for one of them
// is answered without a Deferred and without an allocation, if nothing before it
// on its connection is still worked on. What a client sees is the same either
// way, and so is what the log says; a panic is a refusal, as it is in a Deferred.
//
// It permits nothing: a name that the table does not have is refused. Whoever
// gives a name of the table another meaning takes it out of here.
//
// Twisted: none; there a method that returns its result at once is simply called.
type Direct map[string]Append

// Direct returns the short ways of a service, a new map each time.
func (s *Service) Direct() Direct {
	return Direct{"cummingsify": appendLower, "shout": appendUpper}
}

// appendUpper appends s to dst in upper case, as Shout does.
func appendUpper(dst, s []byte) []byte {
	if end := len(dst) + len(s); end <= cap(dst) && recase(dst[len(dst):end], s, smalls) {
		return dst[:end]
	}
	return append(dst, strings.ToUpper(string(s))...)
}

// direct returns the short way for a request, if there is one.
func (s *Server) direct(name []byte) Append {
	f := s.Direct[string(name)]
	if f == nil || s.Permitted[string(name)] == nil {
		return nil
	}
	return f
}
