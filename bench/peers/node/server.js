// server.js does the work with Node's net module.
//
//	node node/server.js WORK [flags]
'use strict';

const net = require('net');

const PIECE = 64 << 10;
const ZEROS = Buffer.allocUnsafe(PIECE).fill(0); // real memory, not calloc's
const PREFIX = Buffer.from('cummingsify.');
const LARGEST_REQUEST = 1 << 24;

// ---- arguments -----------------------------------------------------------------

function fail(status, message) {
  process.stderr.write(message + '\n');
  process.exit(status);
}

function address(text) {
  const at = text.lastIndexOf(':');
  if (at < 0) fail(2, `want HOST:PORT: ${text}`);
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
}

function parse(args) {
  const o = { work: args[0], addr: address('127.0.0.1:0'), origin: null, poem: 3072, stream: 2 ** 30, reuseport: false };
  for (let i = 1; i < args.length; i++) {
    const value = () => args[++i] ?? fail(2, `no value: ${args[i - 1]}`);
    switch (args[i]) {
      case '-addr': o.addr = address(value()); break;
      case '-origin': o.origin = address(value()); break;
      case '-poem': o.poem = Number(value()); break;
      case '-stream': o.stream = Number(value()); break;
      case '-reuseport': o.reuseport = true; break;
      default: fail(2, `no such flag: ${args[i]}`);
    }
  }
  return o;
}

function compose(size) {
  return Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz\n', 'latin1');
}

// ---- echo, transform -------------------------------------------------------------

// write sends data, and reads no more before it is out.
function write(socket, data) {
  if (!socket.write(data)) {
    socket.pause();
    socket.once('drain', () => socket.resume());
  }
}

// endAfterPeer answers the peer's end with ours, when all is sent.
function endAfterPeer(socket) {
  socket.on('end', () => socket.end());
}

function echo(socket) {
  socket.on('data', (data) => write(socket, data));
  endAfterPeer(socket);
}

function lower(from, to, at) {
  for (let i = 0; i < from.length; i++) {
    const c = from[i];
    to[at + i] = c >= 65 && c <= 90 ? c + 32 : c;
  }
}

// transform answers the whole netstrings in data, `most` of them at most, and
// returns the answers and the rest of data; or null if something else has come.
function transform(data, most) {
  const out = Buffer.allocUnsafe(data.length); // an answer is shorter than its request
  let used = 0, size = 0;
  for (; most > 0; most--) {
    let at = used, length = 0, digit;
    for (; at < data.length && (digit = data[at] - 48) >= 0 && digit <= 9; at++) {
      length = length * 10 + digit;
      if (length > LARGEST_REQUEST) return null;
    }
    if (at === data.length) break;
    if (data[at] !== 58 || at === used || length < PREFIX.length) return null; // ':'
    const end = ++at + length;
    if (end >= data.length) break;
    if (data[end] !== 44 || data.compare(PREFIX, 0, PREFIX.length, at, at + PREFIX.length) !== 0) return null; // ','
    const text = data.subarray(at + PREFIX.length, end);
    size += out.latin1Write(text.length + ':', size);
    lower(text, out, size);
    size += text.length;
    out[size++] = 44;
    used = end + 1;
  }
  return { answers: out.subarray(0, size), rest: data.subarray(used) };
}

// transformer returns a work that gives so many answers, and then ends.
function transformer(most) {
  return (socket) => {
    let kept = null, ended = false;
    socket.on('data', (data) => {
      if (ended) return; // read all the same: unread input would turn the close into a reset
      if (kept) data = Buffer.concat([kept, data]);
      const did = transform(data, most);
      if (!did) return socket.destroy();
      kept = did.rest.length > 0 ? did.rest : null;
      if (did.answers.length === 0) return;
      if (most === 1) {
        ended = true;
        socket.end(did.answers);
      } else {
        write(socket, did.answers);
      }
    });
    endAfterPeer(socket);
  };
}

// ---- poem, stream, proxy, relay --------------------------------------------------

function poem(options) {
  const text = compose(options.poem);
  return (socket) => socket.end(text);
}

function stream(options) {
  return (socket) => {
    let left = options.stream;
    const more = () => {
      let room = true;
      while (room && left > 0) {
        const size = Math.min(left, PIECE);
        left -= size;
        room = socket.write(size === PIECE ? ZEROS : ZEROS.subarray(0, size));
      }
      if (left === 0) {
        socket.removeListener('drain', more);
        socket.end();
      }
    };
    socket.on('drain', more);
    more();
  };
}

// fetch gets the origin's poem and calls done(error, text) once.
function fetch(origin, done) {
  const pieces = [];
  const socket = net.connect({ ...origin, noDelay: true });
  socket.on('data', (piece) => pieces.push(piece));
  socket.on('error', done);
  socket.on('end', () => done(null, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)));
}

// give is a fetch's end for one client.
function give(socket, err, text) {
  if (err) socket.destroy();
  else socket.end(text);
}

function proxy(options) {
  let text = null, waiting = null;
  return (socket) => {
    if (text) return socket.end(text);
    if (waiting) return waiting.push(socket);
    waiting = [socket];
    fetch(options.origin, (err, fetched) => {
      const all = waiting;
      waiting = null;
      if (!err) text = fetched;
      for (const one of all) give(one, err, fetched);
    });
  };
}

function relay(options) {
  return (socket) => fetch(options.origin, (err, text) => give(socket, err, text));
}

// ---- the server ------------------------------------------------------------------

const works = {
  echo: () => echo,
  poem,
  transform: () => transformer(Infinity),
  once: () => transformer(1),
  stream,
  proxy,
  relay,
};

function main() {
  const options = parse(process.argv.slice(2));
  if (!Object.hasOwn(works, options.work)) fail(2, `unknown work: ${options.work}`);
  if (['proxy', 'relay'].includes(options.work) && !options.origin) fail(2, `no -origin: ${options.work}`);
  const work = works[options.work](options);

  // allowHalfOpen: a peer's end must not end our output.
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    work(socket);
  });
  server.on('error', (err) => fail(1, String(err)));
  // reusePort is new in Node 23.1; older ones fail to bind the second time.
  server.listen({ ...options.addr, backlog: 65535, reusePort: options.reuseport }, () => {
    const { address: host, port, family } = server.address();
    console.log('listening', (family === 'IPv6' ? `[${host}]` : host) + ':' + port);
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}

main();
