// libuv.c does the work with libuv, as its users write it.
//
//	cc -O2 -o OUT c/libuv.c -luv
//
// One buffer serves all reads, since libuv reads and calls back in one go. Output
// goes out by uv_try_write; what the kernel does not take is queued by uv_write,
// and the peer is not read from until that is sent. A peer that sent something is
// ended by uv_shutdown and read from until its own end.

#define _GNU_SOURCE
#include <stdint.h>
#include <unistd.h>
#include <uv.h>

#include "contract.h"

struct conn {
	uv_tcp_t tcp; // first: a stream's address is its conn's
	uv_write_t write;
	union {
		uv_shutdown_t shutdown;
		uv_connect_t connect;
	} req;
	char *owned;         // freed when the write is done
	char *in;            // input that is not whole yet
	size_t filled, room;
	size_t left;         // of the stream
	int last;            // nothing will follow what was written
	struct conn *next;   // waits for the same poem; in an origin's conn: waits for this one
};

struct work {
	const char *name;
	void (*opened)(struct conn *);
	uv_read_cb got;
	size_t answers; // of a conn, at most
};

static struct options options;
static const struct work *work;
static uv_loop_t *loop;
static char piece[PIECE], zeros[PIECE];
static char *poem;
static size_t poem_size;
static struct conn *fetching; // the proxy's origin, until its poem is there

// ---- connections ---------------------------------------------------------------

static struct conn *new_conn(void)
{
	struct conn *c = allocate(NULL, sizeof *c);
	memset(c, 0, sizeof *c);
	uv_tcp_init(loop, &c->tcp);
	c->tcp.data = c;
	return c;
}

static void closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	free(c->owned);
	free(c->in);
	free(c);
}

static void drop(struct conn *c)
{
	if (!uv_is_closing((uv_handle_t *)&c->tcp))
		uv_close((uv_handle_t *)&c->tcp, closed);
}

// buffer lends libuv what the next read goes to.
static void buffer(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct conn *c = h->data;
	(void)suggested;
	*b = c->in ? uv_buf_init(c->in + c->filled, c->room - c->filled) : uv_buf_init(piece, PIECE);
}

static void start_reading(struct conn *c) { uv_read_start((uv_stream_t *)&c->tcp, buffer, work->got); }

// discard waits for the peer's end.
static void discard(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	(void)b;
	if (n < 0)
		drop(s->data);
}

static void end_output(struct conn *c)
{
	if (uv_shutdown(&c->req.shutdown, (uv_stream_t *)&c->tcp, NULL) < 0) {
		drop(c);
		return;
	}
	uv_read_stop((uv_stream_t *)&c->tcp);
	uv_read_start((uv_stream_t *)&c->tcp, buffer, discard);
}

// sent is called when what put queued is out.
static void sent(uv_write_t *w, int status)
{
	struct conn *c = w->data;
	free(c->owned);
	c->owned = NULL;
	if (status < 0)
		drop(c);
	else if (c->last)
		end_output(c);
	else
		start_reading(c);
}

// send_or_queue returns 1 if the kernel took all n bytes, and 0 if some of them
// are queued; then done is called. What is queued is a copy, or p itself if that
// stays as it is.
static int send_or_queue(struct conn *c, char *p, size_t n, int stays, uv_write_cb done)
{
	uv_stream_t *s = (uv_stream_t *)&c->tcp;
	uv_buf_t b = uv_buf_init(p, n);
	int taken = uv_try_write(s, &b, 1);
	if (taken == (int)n)
		return 1;
	if (taken < 0)
		taken = 0; // if it is an error, uv_write meets it again
	b = uv_buf_init(p + taken, n - taken);
	if (!stays) {
		b.base = c->owned = allocate(NULL, b.len);
		memcpy(b.base, p + taken, b.len);
	}
	c->write.data = c;
	if (uv_write(&c->write, s, &b, 1, done) < 0)
		drop(c);
	return 0;
}

// put sends n bytes that are only lent. The conn is not read from before they
// are out.
static int put(struct conn *c, char *p, size_t n)
{
	if (send_or_queue(c, p, n, 0, sent))
		return 1;
	uv_read_stop((uv_stream_t *)&c->tcp);
	return 0;
}

// ---- echo, transform, once -------------------------------------------------------

static void echo(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	if (n < 0)
		drop(s->data);
	else if (n > 0)
		put(s->data, b->base, n);
}

// keep remembers the beginning of a request whose rest has not come.
static void keep(struct conn *c, const char *p, size_t n)
{
	c->in = NULL;
	c->filled = c->room = 0;
	if (n == 0)
		return;
	c->filled = n;
	c->room = n + PIECE;
	c->in = allocate(NULL, c->room);
	memcpy(c->in, p, n);
}

static void answer(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = s->data;
	char *old = c->in, *p = old ? old : b->base;
	size_t used, size, total;
	if (n < 0)
		drop(c);
	if (n <= 0)
		return;
	total = c->filled + n;
	if (transform(p, total, work->answers, &used, &size) < 0) {
		drop(c);
		return;
	}
	if (used == 0 && old) { // still not whole
		c->filled = total;
		if (c->filled == c->room)
			c->in = allocate(c->in, c->room *= 2);
		return;
	}
	keep(c, p + used, total - used);
	c->last = size > 0 && work->answers == 1;
	if (size > 0 && put(c, p, size) && c->last)
		end_output(c);
	free(old);
}

// ---- poem, stream ----------------------------------------------------------------

static void delivered(uv_write_t *w, int status)
{
	(void)status;
	drop(w->data);
}

// deliver sends n bytes that stay, and closes. The peers of these works send
// nothing, so nothing can be unread.
static void deliver(struct conn *c, char *p, size_t n)
{
	if (send_or_queue(c, p, n, 1, delivered))
		drop(c);
}

static void open_poem(struct conn *c) { deliver(c, poem, poem_size); }

static void stream(struct conn *c);

static void streamed(uv_write_t *w, int status)
{
	if (status < 0)
		drop(w->data);
	else
		stream(w->data);
}

static void stream(struct conn *c)
{
	uv_stream_t *s = (uv_stream_t *)&c->tcp;
	for (int i = 0; c->left > 0; i++) {
		uv_buf_t b = uv_buf_init(zeros, c->left < PIECE ? c->left : PIECE);
		int taken = i < BURST ? uv_try_write(s, &b, 1) : UV_EAGAIN;
		if (taken < 0) { // the kernel takes no more, or it is the others' turn
			c->left -= b.len;
			c->write.data = c;
			if (uv_write(&c->write, s, &b, 1, streamed) < 0)
				drop(c);
			return;
		}
		c->left -= taken;
	}
	drop(c);
}

static void open_stream(struct conn *c)
{
	c->left = options.stream;
	stream(c);
}

// ---- proxy, relay ----------------------------------------------------------------

// fetched gives the poem to those that wait for it; without one it drops them.
static void fetched(struct conn *origin, int ok)
{
	struct conn *c = origin->next, *next;
	char *text = origin->in;
	size_t size = origin->filled;
	origin->in = NULL;
	drop(origin);
	fetching = NULL;

	if (ok && strcmp(work->name, "relay") == 0) {
		c->owned = text;
		deliver(c, text, size);
		return;
	}
	if (ok) {
		poem = text;
		poem_size = size;
	} else {
		free(text);
	}
	for (; c; c = next) {
		next = c->next;
		if (ok)
			open_poem(c);
		else
			drop(c);
	}
}

static void receive(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct conn *origin = s->data;
	(void)b;
	if (n < 0) {
		fetched(origin, n == UV_EOF);
		return;
	}
	origin->filled += n;
	if (origin->filled == origin->room)
		origin->in = allocate(origin->in, origin->room *= 2);
}

static void connected(uv_connect_t *req, int status)
{
	struct conn *origin = req->data;
	if (status < 0)
		fetched(origin, 0);
	else
		uv_read_start((uv_stream_t *)&origin->tcp, buffer, receive);
}

static void open_relay(struct conn *c)
{
	struct conn *origin = fetching = new_conn();
	origin->next = c;
	origin->room = PIECE;
	origin->in = allocate(NULL, origin->room);
	origin->req.connect.data = origin;
	if (uv_tcp_connect(&origin->req.connect, &origin->tcp, (struct sockaddr *)&options.origin.sa, connected) < 0)
		fetched(origin, 0);
}

static void open_proxy(struct conn *c)
{
	if (poem) {
		open_poem(c);
	} else if (fetching) {
		c->next = fetching->next;
		fetching->next = c;
	} else {
		open_relay(c);
	}
}

// ---- the loop --------------------------------------------------------------------

static const struct work works[] = {
	{"echo", start_reading, echo, 0},
	{"poem", open_poem, NULL, 0},
	{"transform", start_reading, answer, SIZE_MAX},
	{"once", start_reading, answer, 1},
	{"stream", open_stream, NULL, 0},
	{"proxy", open_proxy, NULL, 0},
	{"relay", open_relay, NULL, 0},
};

static void opened(uv_stream_t *listener, int status)
{
	struct conn *c = new_conn();
	if (status < 0 || uv_accept(listener, (uv_stream_t *)&c->tcp) < 0)
		drop(c);
	else
		work->opened(c);
}

static void stdin_ready(uv_poll_t *p, int status, int events)
{
	(void)p, (void)events;
	if (status < 0 || read(STDIN_FILENO, piece, PIECE) <= 0)
		exit(0);
}

static void check(int err, const char *what)
{
	if (err < 0)
		fail(1, what, uv_strerror(err));
}

// listen_on opens the listener. What is accepted inherits TCP_NODELAY from it.
static void listen_on(uv_tcp_t *tcp, struct address *a)
{
	int fd, on = 1, size = sizeof a->sa;
	check(uv_tcp_init_ex(loop, tcp, a->sa.ss_family), "socket");
	check(uv_fileno((uv_handle_t *)tcp, &fd), "socket");
	if (options.reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	check(uv_tcp_nodelay(tcp, 1), "TCP_NODELAY");
	check(uv_tcp_bind(tcp, (struct sockaddr *)&a->sa, 0), "bind");
	check(uv_listen((uv_stream_t *)tcp, BACKLOG, opened), "listen");
	check(uv_tcp_getsockname(tcp, (struct sockaddr *)&a->sa, &size), "getsockname");
	a->size = size;
}

int main(int argc, char **argv)
{
	static uv_tcp_t listener;
	static uv_poll_t input;
	options = parse(argc, argv);
	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		if (strcmp(works[i].name, options.work) == 0)
			work = &works[i];
	if (!work)
		fail(2, "unknown work", options.work);
	if ((work->opened == open_proxy || work->opened == open_relay) && !options.origin.size)
		fail(2, "no -origin", options.work);
	raise_limit();
	memset(zeros, 0, PIECE); // real memory, and not the kernel's one page of zeros
	signal(SIGPIPE, SIG_IGN);
	if (work->opened == open_poem)
		poem = compose(poem_size = options.poem);

	loop = uv_default_loop();
	check(uv_poll_init(loop, &input, STDIN_FILENO), "standard input");
	uv_poll_start(&input, UV_READABLE | UV_DISCONNECT, stdin_ready);
	listen_on(&listener, &options.addr);
	announce((struct sockaddr *)&options.addr.sa, options.addr.size);
	return uv_run(loop, UV_RUN_DEFAULT);
}
