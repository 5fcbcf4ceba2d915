package protocol

import "net"

// Factory makes the protocol for each new connection, and holds what
// connections share.
//
// Twisted: protocol.Factory.
type Factory interface {
	// BuildProtocol returns the protocol for a connection with addr; nil refuses
	// and closes it.
	BuildProtocol(addr net.Addr) Protocol
}

// FactoryFunc is a [Factory] made of a function.
type FactoryFunc func(addr net.Addr) Protocol

// BuildProtocol calls f.
func (f FactoryFunc) BuildProtocol(addr net.Addr) Protocol { return f(addr) }

// StartStopper is the optional power of a factory that wants to know when its
// first port or connector begins and when its last one has ended.
//
// Twisted: Factory.startFactory, Factory.stopFactory.
type StartStopper interface {
	// StartFactory runs when the first port listens, before it accepts, or the
	// first connector begins to connect.
	StartFactory()
	// StopFactory runs after the last port or connector has stopped.
	StopFactory()
}

// ClientFactory is the [Factory] of an outgoing connection. It hears about
// each attempt, and may call c.Connect() from ClientConnectionFailed or
// ClientConnectionLost to try again.
//
// Twisted: protocol.ClientFactory.
type ClientFactory interface {
	Factory
	// StartedConnecting says that an attempt begins.
	StartedConnecting(c Connector)
	// ClientConnectionFailed says that no connection was made. The reason is a
	// [*ConnectError].
	ClientConnectionFailed(c Connector, reason error)
	// ClientConnectionLost says that a connection that was made is over. It
	// comes after the protocol's ConnectionLost, with the same reason.
	ClientConnectionLost(c Connector, reason error)
}

// ClientFactoryBase answers every call of [ClientFactory] but BuildProtocol.
// Embed it.
//
// Twisted: protocol.ClientFactory.
type ClientFactoryBase struct{}

// StartedConnecting does nothing.
func (ClientFactoryBase) StartedConnecting(Connector) {}

// ClientConnectionFailed does nothing.
func (ClientFactoryBase) ClientConnectionFailed(Connector, error) {}

// ClientConnectionLost does nothing.
func (ClientFactoryBase) ClientConnectionLost(Connector, error) {}

// ConnectorState says where a [Connector] stands.
type ConnectorState uint8

// The states of a connector.
const (
	Disconnected ConnectorState = iota
	Connecting
	Connected
)

// String returns the state's name in lower case.
func (s ConnectorState) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Connected:
		return "connected"
	}
	return "disconnected"
}

// Connector stands for one outgoing connection, through all its attempts: the
// same object is passed to every call of a [ClientFactory].
//
// Twisted: IConnector.
type Connector interface {
	// Connect tries again. It returns [ErrNotDisconnected] unless the state is
	// Disconnected, and another error if the loop is stopping.
	Connect() error
	// StopConnecting ends the attempt that is under way;
	// ClientConnectionFailed follows with [ErrConnectStopped]. It returns
	// [ErrNotConnecting] if none is.
	StopConnecting() error
	// Disconnect does what the state calls for: StopConnecting, the
	// transport's LoseConnection, or nothing.
	Disconnect()
	// State tells where the connector stands.
	State() ConnectorState
	// Destination returns the "host:port" or path as it was given.
	Destination() string
}
