package service

import (
	"math"
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait before trying again: longer after each failure, up
// to a bound, and never quite as long as everybody else.
//
//	Initial · Factor^attempt, at most Max, and something below Jitter
//
// The zero value is Twisted's: 2 s at first, about a minute in the end.
//
// Twisted: internet.backoffPolicy.
type Backoff struct {
	// Initial is what the delays grow from; 0: 1 s.
	Initial time.Duration
	// Max bounds them, without the jitter; 0: 1 min.
	Max time.Duration
	// Factor is how much longer each delay is than the one before; 0: 1.5.
	Factor float64
	// Jitter bounds what is added to each; 0: 1 s; negative: nothing is.
	Jitter time.Duration
	// Random draws the jitter as a part of Jitter, from 0 to below 1; nil:
	// math/rand/v2's.
	Random func() float64
}

// Delay returns the wait after so many failures in a row, 1 for the first. It
// is what [TCPClient].Retry takes.
func (b Backoff) Delay(attempt int) time.Duration {
	factor := b.Factor
	if factor == 0 {
		factor = 1.5
	}
	most := orDefault(b.Max, time.Minute)
	delay := most
	if d := float64(orDefault(b.Initial, time.Second)) * math.Pow(factor, float64(attempt)); d < float64(most) {
		delay = time.Duration(d)
	}
	if b.Jitter < 0 {
		return delay
	}
	random := b.Random
	if random == nil {
		random = rand.Float64
	}
	return delay + time.Duration(float64(orDefault(b.Jitter, time.Second))*random())
}

// orDefault returns d, or the default for 0.
func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
