// Package stat sums up measurements that were taken in rounds on a machine that
// others disturb: by the middle, not by the mean.
package stat
