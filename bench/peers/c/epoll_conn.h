// epoll_conn.h is a connection of epoll.c: its state, its registration and its
// output.

struct conn {
	int fd;
	uint32_t wanted;                        // events that it is registered for; 0: not at all
	void (*ready)(struct conn *, uint32_t); // what is done with its events
	const char *out;                        // what the kernel has not taken yet
	size_t left;
	char *owned;                            // freed when out is sent
	char *in;                               // input that is not whole yet
	size_t filled, room;
	struct conn *next;                      // waits for the same poem; in an origin's conn: waits for this one
};

struct work {
	const char *name;
	void (*opened)(struct conn *);
	void (*ready)(struct conn *, uint32_t);
	size_t answers; // of a conn, at most
};

enum { BOTH = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

static struct options options;
static const struct work *work;
static int loop;
static char piece[PIECE]; // the input of whichever conn has an event
static char zeros[PIECE];
static char *poem;
static size_t poem_size;
static struct conn *dropped; // in this batch
static struct conn *fetching; // the proxy's origin, until its poem is there

static struct conn *new_conn(int fd, void (*ready)(struct conn *, uint32_t))
{
	struct conn *c = allocate(NULL, sizeof *c);
	*c = (struct conn){.fd = fd, .ready = ready};
	return c;
}

// want registers c, or registers it anew: the kernel then reports again what c
// is ready for.
static void want(struct conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};
	int op = c->wanted ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	c->wanted = events;
	if (epoll_ctl(loop, op, c->fd, &e) < 0)
		fail(1, "epoll_ctl", strerror(errno));
}

static void gone(struct conn *c, uint32_t events)
{
	(void)c;
	(void)events;
}

// drop closes c. It is freed after the batch, which may still have an event of it.
static void drop(struct conn *c)
{
	close(c->fd);
	free(c->owned);
	free(c->in);
	*c = (struct conn){.ready = gone, .next = dropped};
	dropped = c;
}

static void free_dropped(void)
{
	while (dropped) {
		struct conn *c = dropped;
		dropped = c->next;
		free(c);
	}
}

// flush sends what is left. It returns 1 when all of it is sent; at 0 the caller
// must leave c alone: it is dropped, or waits for EPOLLOUT.
static int flush(struct conn *c)
{
	if (c->left > 0) {
		ssize_t n = send(c->fd, c->out, c->left, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			drop(c);
			return 0;
		}
		if (n > 0) {
			c->out += n;
			c->left -= n;
		}
		if (c->left > 0)
			return 0;
	}
	free(c->owned);
	c->owned = NULL;
	return 1;
}

// put sends n bytes that are only lent; what the kernel does not take is copied.
// It returns what flush returns.
static int put(struct conn *c, const char *p, size_t n)
{
	ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
	if (sent == (ssize_t)n)
		return 1;
	if (sent < 0)
		sent = 0; // if it is an error, flush meets it again
	c->left = n - sent;
	c->out = c->owned = allocate(NULL, c->left);
	memcpy(c->owned, p + sent, c->left);
	return flush(c);
}

// no_input is called for a read without bytes: there are none for now, or no more.
static void no_input(struct conn *c, ssize_t n)
{
	if (n == 0 || errno != EAGAIN)
		drop(c);
}

static void open_nothing(struct conn *c) { (void)c; }
