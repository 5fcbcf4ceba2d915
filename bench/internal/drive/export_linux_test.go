package drive

import "time"

// Hurry makes a load that was opened here less patient.
func Hurry(l Load, patience time.Duration) { l.(interface{ hurry(time.Duration) }).hurry(patience) }

func (l *loop) hurry(patience time.Duration) { l.patience = patience }
