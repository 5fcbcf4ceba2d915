//go:build linux || darwin || freebsd

package process_test

import (
	"skein/deferred"
	"skein/reactor/service"
)

// startService and stopService are the service package's.
func startService(s service.Service) error             { return service.Start(s) }
func stopService(s service.Service) *deferred.Deferred { return service.Stop(s) }
