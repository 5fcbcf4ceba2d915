package load

import "syscall"

// A process needs some descriptors besides its connections: for its loop, and
// for those that have been closed in the same turn in which others were opened.
const (
	spareDescriptors  = 64
	spareForTurn      = 2048
	spareForTurnShare = 8 // but no more than the eighth part of all
)

// Descriptors raises this process' limit of open descriptors as far as it may,
// and returns how many connections it then can have.
func Descriptors() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	if limit.Cur < limit.Max {
		raised := limit
		raised.Cur = raised.Max
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil { // else it stays as it is
			limit = raised
		}
	}
	const plenty = 1 << 20
	if uint64(limit.Cur) > plenty {
		return plenty, nil
	}
	all := int(limit.Cur)
	return max(all-spareDescriptors-min(spareForTurn, all/spareForTurnShare), 1), nil
}

// ProcessesFor returns how many processes it takes to have so many connections,
// if each can have no more than the limit.
func ProcessesFor(conns, limit int) int { return max((conns+limit-1)/limit, 1) }
