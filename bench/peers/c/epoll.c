// epoll.c is the reference, 1.00 in every table: what one thread can do with
// epoll and without a framework.
//
//	cc -O2 -o OUT c/epoll.c
//
// Each descriptor has a struct conn, and each conn one function that is called
// with its events; which function that is, is the conn's state. Sockets are
// registered once, when they are accepted, for both directions and edge-triggered.
// (One that is served at once could do without: ../README.md.) A read that comes back
// short is the last one for its event, unless the peer's end (EPOLLRDHUP) has come
// as well. Output goes to the kernel directly; what it does not take waits in the
// conn, which reads no more until that is gone. No event allocates, unless the
// kernel does not take an answer or a request is cut.

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "contract.h"
#include "epoll_conn.h"
#include "epoll_works.h"

enum { EVENTS = 1024, ACCEPTS = 256 };

static const struct work works[] = {
	{"echo", open_nothing, echo, 0},
	{"poem", open_poem, deliver, 0},
	{"transform", open_nothing, answer, SIZE_MAX},
	{"once", open_nothing, answer, 1},
	{"stream", open_stream, stream, 0},
	{"proxy", open_proxy, deliver, 0},
	{"relay", open_relay, deliver, 0},
};

static void accept_some(struct conn *listener, uint32_t events)
{
	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct conn *c = new_conn(fd, work->ready);
		want(c, BOTH);
		work->opened(c);
	}
}

static void read_stdin(struct conn *c, uint32_t events)
{
	(void)events;
	if (read(c->fd, piece, PIECE) <= 0)
		exit(0);
}

// listen_on opens the listener. What is accepted inherits TCP_NODELAY from it.
static int listen_on(struct address *a)
{
	int on = 1, fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    (options.reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&a->sa, a->size) < 0 ||
	    listen(fd, BACKLOG) < 0)
		fail(1, "listen", strerror(errno));
	a->size = sizeof a->sa;
	getsockname(fd, (struct sockaddr *)&a->sa, &a->size);
	return fd;
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
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
	if (work->opened == open_poem)
		poem = compose(poem_size = options.poem);

	loop = epoll_create1(EPOLL_CLOEXEC);
	if (loop < 0)
		fail(1, "epoll_create1", strerror(errno));
	want(new_conn(STDIN_FILENO, read_stdin), EPOLLIN);
	want(new_conn(listen_on(&options.addr), accept_some), EPOLLIN); // level-triggered: ACCEPTS may leave some
	announce((struct sockaddr *)&options.addr.sa, options.addr.size);
	for (;;) {
		int n = epoll_wait(loop, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			c->ready(c, events[i].events);
		}
		free_dropped();
	}
}
