//go:build !linux

package servers

import "fmt"

// listenEpoll says that there is no epoll.
func listenEpoll(options) (server, error) {
	return nil, fmt.Errorf("epoll is Linux's: %w", errNotOffered)
}
