package rows

import "skein/bench/internal/drive"

// Load is the load of a row. A paced one sends so many messages in a second.
func (r Row) Load(rate int) drive.Work {
	switch {
	case r.Kind == Paced:
		return drive.Paced{Conns: r.Conns, Size: MessageSize, Rate: float64(rate)}
	case r.Work == echo:
		return drive.Echo{Conns: r.Conns, Depth: r.Depth, Size: MessageSize}
	case r.Work == once:
		return drive.TransformOnce{AtOnce: r.Conns, Size: textSize}
	case r.Work == transform:
		return drive.Transform{Conns: r.Conns, Depth: r.Depth, Size: textSize}
	case r.Streams():
		return drive.Stream{Conns: r.Conns, Bytes: streamSize}
	}
	return drive.Fetch{AtOnce: r.Conns, Poem: poemSize}
}
