/* policy_floor unix:PATH|inet:HOST:PORT: a policy server that does nothing, as the measure of one that does something.
 *
 * One thread, epoll, one read and one write for each request; every request ("...\n\n") is answered "action=DUNNO".
 * Written as plainly as C allows: what a server of this protocol cannot do without, and no more. Ends at SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { room = 8192, events_at_once = 64 };

struct connection {
  int descriptor;
  size_t used;
  char buffer[room];
};

static const char reply[] = "action=DUNNO\n\n";

static void die(const char* what) {
  perror(what);
  exit(1);
}

static int listen_on(const char* endpoint) {
  int listener;
  if (strncmp(endpoint, "unix:", 5) == 0) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(endpoint + 5) >= sizeof address.sun_path) die("path");
    strcpy(address.sun_path, endpoint + 5);
    unlink(address.sun_path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr*)&address, sizeof address) < 0) die("bind");
    if (chmod(address.sun_path, 0666) < 0) die("chmod");
  } else {
    const char* colon = strrchr(endpoint, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64] = "";
    const int on = 1;
    if (strncmp(endpoint, "inet:", 5) != 0 || colon <= endpoint + 5) die("endpoint");
    memcpy(host, endpoint + 5, (size_t)(colon - endpoint - 5) % sizeof host);
    address.sin_port = htons((unsigned short)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("address");
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr*)&address, sizeof address) < 0) die("bind");
  }
  if (listen(listener, 4096) < 0) die("listen");
  return listener;
}

static void admit(int poll, int listener) {
  const int on = 1;
  int descriptor;
  while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    struct connection* fresh = malloc(sizeof *fresh);
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = fresh};
    if (fresh == NULL) die("malloc");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fresh->descriptor = descriptor;
    fresh->used = 0;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &interest) < 0) die("epoll_ctl");
  }
}

static void serve(struct connection* one) {
  const ssize_t got = read(one->descriptor, one->buffer + one->used, room - one->used);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    close(one->descriptor);
    free(one);
    return;
  }
  one->used += (size_t)got;
  if (one->used < 2 || memcmp(one->buffer + one->used - 2, "\n\n", 2) != 0) return;
  one->used = 0;
  if (write(one->descriptor, reply, sizeof reply - 1) < 0 && errno != EPIPE) die("write");
}

int main(int argc, char** argv) {
  struct epoll_event events[events_at_once];
  const int poll = epoll_create1(0);
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = NULL};
  int listener;
  if (argc != 2) {
    fputs("usage: policy_floor unix:PATH|inet:ADDRESS:PORT\n", stderr);
    return 64;
  }
  listener = listen_on(argv[1]);
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &interest) < 0) die("epoll_ctl");
  for (;;) {
    const int count = epoll_wait(poll, events, events_at_once, -1);
    int i;
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL)
        admit(poll, listener);
      else
        serve(events[i].data.ptr);
    }
  }
}
