// Package http1 is what the servers in apps that speak HTTP/1 have in common: what
// a head may be made of (grammar.go), and how to tell a client that is slow from
// one that has stopped (pace.go). Reading requests, and answering them, is each
// server's own: they want different ones.
//
//	apps/dummyhttp ──────────────────▶ http1
//	apps/skein/internal/stats ───────▶
package http1
