package privileges

import "golang.org/x/sys/unix"

// userIDs returns the real, effective and saved user.
func userIDs() []int {
	r, e, s := unix.Getresuid()
	return []int{r, e, s}
}

// groupIDs returns the real, effective and saved group.
func groupIDs() []int {
	r, e, s := unix.Getresgid()
	return []int{r, e, s}
}
