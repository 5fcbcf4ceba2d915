//go:build !linux

package servers

import "errors"

// listenEpoll says that there is no epoll.
func listenEpoll(options) (server, error) {
	return nil, errors.New("the engine epoll needs Linux: use skein, gnet or net")
}
