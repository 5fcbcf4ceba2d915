//go:build darwin || freebsd

package privileges

import "os"

// userIDs returns the real and effective user; the saved one shows in whether it
// can be taken back.
func userIDs() []int { return []int{os.Getuid(), os.Geteuid()} }

// groupIDs returns the real and effective group.
func groupIDs() []int { return []int{os.Getgid(), os.Getegid()} }
