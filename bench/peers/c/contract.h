// contract.h is what the two C servers share: the arguments, the address, the
// poem and the answers to netstrings. None of it touches a connection. ../../doc.go
// says what a server has to do.

#ifndef CONTRACT_H
#define CONTRACT_H

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
	PIECE = 64 << 10,         // bytes of a read, and of a write of zeros
	BURST = 16,               // pieces of zeros, after which others have a turn
	BACKLOG = 65535,          // the kernel takes its own limit if that is less
	LARGEST_REQUEST = 1 << 24 // bytes of a netstring's payload
};

struct address {
	struct sockaddr_storage sa;
	socklen_t size;
};

struct options {
	const char *work;
	struct address addr, origin; // origin.size is 0 without -origin
	size_t poem, stream;
	int reuseport;
};

static void fail(int status, const char *what, const char *which)
{
	fprintf(stderr, "%s: %s\n", what, which);
	exit(status);
}

// resolve reads "HOST:PORT".
static struct address resolve(const char *text)
{
	char host[256];
	const char *colon = strrchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof host)
		fail(2, "want HOST:PORT", text);
	size_t n = colon - text;
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') { // [::1]:80
		text++;
		n -= 2;
	}
	memcpy(host, text, n);
	host[n] = 0;

	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int err = getaddrinfo(host, colon + 1, &hints, &found);
	if (err)
		fail(2, text, gai_strerror(err));
	struct address a = {.size = found->ai_addrlen};
	memcpy(&a.sa, found->ai_addr, a.size);
	freeaddrinfo(found);
	return a;
}

static struct options parse(int argc, char **argv)
{
	if (argc < 2)
		fail(2, "usage", "PROGRAM WORK [-addr HOST:PORT] [-poem BYTES] [-stream BYTES] [-origin HOST:PORT] [-reuseport]");
	struct options o = {.work = argv[1], .poem = 3072, .stream = (size_t)1 << 30};
	const char *addr = "127.0.0.1:0";
	for (int i = 2; i < argc; i++) {
		const char *flag = argv[i], *value = argv[i + 1]; // argv ends with NULL
		if (strcmp(flag, "-reuseport") == 0) {
			o.reuseport = 1;
			continue;
		}
		if (!value)
			fail(2, "no such flag, or no value", flag);
		if (strcmp(flag, "-addr") == 0)
			addr = value;
		else if (strcmp(flag, "-poem") == 0)
			o.poem = strtoull(value, NULL, 10);
		else if (strcmp(flag, "-stream") == 0)
			o.stream = strtoull(value, NULL, 10);
		else if (strcmp(flag, "-origin") == 0)
			o.origin = resolve(value);
		else
			fail(2, "no such flag", flag);
		i++;
	}
	o.addr = resolve(addr);
	return o;
}

// announce prints where the server listens.
static void announce(struct sockaddr *sa, socklen_t size)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];
	int err = getnameinfo(sa, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
	if (err)
		fail(1, "getnameinfo", gai_strerror(err));
	printf(sa->sa_family == AF_INET6 ? "listening [%s]:%s\n" : "listening %s:%s\n", host, port);
	fflush(stdout);
}

// raise_limit allows as many descriptors as the process may have.
static void raise_limit(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static void *allocate(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);
	if (!p)
		fail(1, "out of memory", "realloc");
	return p;
}

static char *compose(size_t size)
{
	char *poem = allocate(NULL, size);
	for (size_t i = 0; i < size; i++)
		poem[i] = "abcdefghijklmnopqrstuvwxyz\n"[i % 27];
	return poem;
}

// At -O2 GCC does this byte by byte, and text would be the most of the work.
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("O3")))
#endif
static void lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];
		p[i] = c + ((unsigned char)(c - 'A') < 26) * 32;
	}
}

// put_length writes "SIZE:" and returns its length.
static size_t put_length(char *p, size_t size)
{
	char digits[24];
	size_t n = 0, i = 0;
	do
		digits[n++] = '0' + size % 10;
	while (size /= 10);
	while (n > 0)
		p[i++] = digits[--n];
	p[i++] = ':';
	return i;
}

// transform answers the whole netstrings among the n bytes at p, `most` of them
// at most. The answers take the place of the requests, from p on: each is
// shorter than its request. *size is their length, and *used the length of the
// requests. It returns -1 if something else than a request has come.
static int transform(char *p, size_t n, size_t most, size_t *used, size_t *size)
{
	static const char prefix[] = "cummingsify.";
	const size_t skip = sizeof prefix - 1;
	size_t in = 0, out = 0;
	for (; most > 0; most--) {
		size_t at = in, length = 0;
		while (at < n && p[at] >= '0' && p[at] <= '9' && length <= LARGEST_REQUEST)
			length = length * 10 + (p[at++] - '0');
		if (at == n)
			break;
		if (p[at] != ':' || at == in || length < skip || length > LARGEST_REQUEST)
			return -1;
		at++;
		if (n - at < length + 1)
			break;
		if (p[at + length] != ',' || memcmp(p + at, prefix, skip) != 0)
			return -1;
		in = at + length + 1;
		char *text = p + at + skip;
		length -= skip;
		lower(text, length);
		out += put_length(p + out, length);
		memmove(p + out, text, length);
		out += length;
		p[out++] = ',';
	}
	*used = in;
	*size = out;
	return 0;
}

#endif
