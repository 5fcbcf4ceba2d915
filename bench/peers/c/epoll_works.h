// epoll_works.h is what epoll.c does: two functions for each work, one for a
// connection that has opened, one for its events.

// ---- echo ------------------------------------------------------------------------

static void echo(struct conn *c, uint32_t events)
{
	ssize_t n;
	if (c->left > 0 && !flush(c))
		return;
	do {
		n = recv(c->fd, piece, PIECE, 0);
		if (n <= 0) {
			no_input(c, n);
			return;
		}
		if (!put(c, piece, n))
			return;
	} while (n == PIECE || events & EPOLLRDHUP);
}

// ---- transform, once -------------------------------------------------------------

// discard reads until the peer's end. Closing with input unread would be a reset,
// which can take from the peer what it has not read yet.
static void discard(struct conn *c, uint32_t events)
{
	ssize_t n;
	do {
		n = recv(c->fd, piece, PIECE, 0);
		if (n <= 0) {
			no_input(c, n);
			return;
		}
	} while (n == PIECE || events & EPOLLRDHUP);
}

static void end_output(struct conn *c)
{
	shutdown(c->fd, SHUT_WR);
	c->ready = discard;
}

// last sends the rest of the last answer.
static void last(struct conn *c, uint32_t events)
{
	if (!flush(c))
		return;
	end_output(c);
	discard(c, events);
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

// answer_input answers what is whole among the n bytes at p, and keeps the rest.
// It returns what flush returns.
static int answer_input(struct conn *c, char *p, size_t n)
{
	size_t used, size = 0;
	if (transform(p, n, work->answers, &used, &size) < 0) {
		drop(c);
		return 0;
	}
	if (used == 0 && p == c->in) { // still not whole
		c->filled = n;
		if (c->filled == c->room)
			c->in = allocate(c->in, c->room *= 2);
		return 1;
	}
	char *old = c->in;
	keep(c, p + used, n - used);
	if (size > 0 && work->answers == 1)
		c->ready = last;
	int sent = size == 0 || put(c, p, size);
	free(old);
	return sent;
}

static void answer(struct conn *c, uint32_t events)
{
	int more;
	if (c->left > 0 && !flush(c))
		return;
	do {
		char *p = c->in ? c->in : piece;
		size_t room = (c->in ? c->room : PIECE) - c->filled;
		ssize_t n = recv(c->fd, p + c->filled, room, 0);
		if (n <= 0) {
			no_input(c, n);
			return;
		}
		more = (size_t)n == room || events & EPOLLRDHUP;
		if (!answer_input(c, p, c->filled + n))
			return;
		if (c->ready == last) {
			end_output(c);
			if (more)
				discard(c, events);
			return;
		}
	} while (more);
}

// ---- poem, stream ----------------------------------------------------------------

// deliver sends what there is to send, and closes. The peers of these works send
// nothing, so nothing can be unread.
static void deliver(struct conn *c, uint32_t events)
{
	(void)events;
	if (flush(c))
		drop(c);
}

static void open_poem(struct conn *c)
{
	c->out = poem;
	c->left = poem_size;
	deliver(c, 0);
}

static void stream(struct conn *c, uint32_t events)
{
	(void)events;
	for (int i = 0; i < BURST; i++) {
		size_t size = c->left < PIECE ? c->left : PIECE;
		if (size == 0) {
			drop(c);
			return;
		}
		ssize_t n = send(c->fd, zeros, size, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			drop(c);
			return;
		}
		if (n > 0)
			c->left -= n;
		if (n < (ssize_t)size)
			return;
	}
	want(c, BOTH); // the kernel takes more, but it is the others' turn: be told again
}

static void open_stream(struct conn *c)
{
	c->left = options.stream;
	stream(c, 0);
}

// ---- proxy, relay ----------------------------------------------------------------

// await_poem is for a conn whose poem is not there yet: it cannot end before.
static void await_poem(struct conn *c, uint32_t events)
{
	(void)c;
	(void)events;
}

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
		c->ready = deliver;
		c->out = c->owned = text;
		c->left = size;
		deliver(c, 0);
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
		c->ready = deliver;
		if (ok)
			open_poem(c);
		else
			drop(c);
	}
}

static void receive(struct conn *origin, uint32_t events)
{
	size_t room;
	ssize_t n;
	do {
		if (origin->filled == origin->room) {
			origin->room = origin->room ? 2 * origin->room : PIECE;
			origin->in = allocate(origin->in, origin->room);
		}
		room = origin->room - origin->filled;
		n = recv(origin->fd, origin->in + origin->filled, room, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			fetched(origin, n == 0);
			return;
		}
		origin->filled += n;
	} while ((size_t)n == room || events & EPOLLRDHUP);
}

// open_relay connects to the origin for c. A connect that fails is a receive that
// fails.
static void open_relay(struct conn *c)
{
	c->ready = await_poem;
	int fd = socket(options.origin.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		drop(c);
		return;
	}
	struct conn *origin = fetching = new_conn(fd, receive);
	origin->next = c;
	if (connect(fd, (struct sockaddr *)&options.origin.sa, options.origin.size) < 0 && errno != EINPROGRESS) {
		fetched(origin, 0);
		return;
	}
	want(origin, BOTH);
}

static void open_proxy(struct conn *c)
{
	if (poem) {
		open_poem(c);
	} else if (fetching) {
		c->ready = await_poem;
		c->next = fetching->next;
		fetching->next = c;
	} else {
		open_relay(c);
	}
}
