// bare_pair FOLDER SECONDS: how many messages a second two processes exchange, one at a time over loopback
// TCP, if one writes a page for each durably before it answers. They do nothing else: what is left for a database
// that syncs each transaction, and for its client, is the difference. Prints the number of them.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// As those of one transfer with its key and its batch's name.
enum { REQUEST_SIZE = 150, REPLY_SIZE = 20 };
// A page of a log, which is written over from its beginning when it is full.
enum { PAGE_SIZE = 4096, PAGE_COUNT = 16384, PAGES_IN_PIECE = 256 };

static void fail(const char *what) {
  fprintf(stderr, "bare_pair: %s: %s\n", what, strerror(errno));
  exit(1);
}

// False at the end of the connection.
static int receive(int socket, char *buffer, size_t size) {
  for (size_t count = 0; count < size;) {
    const ssize_t received = recv(socket, buffer + count, size - count, 0);
    if (received < 0) fail("receive");
    if (received == 0) return 0;
    count += received;
  }
  return 1;
}

static void send_all(int socket, const char *buffer, size_t size) {
  if (send(socket, buffer, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
}

static int without_delay(int socket) {
  const int is_on = 1;
  if (socket < 0) fail("connect");
  if (setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &is_on, sizeof is_on) != 0) fail("set TCP_NODELAY");
  return socket;
}

static void write_pages(int file, long index, long count, int flags) {
  static alignas(PAGE_SIZE) char pages[PAGES_IN_PIECE * PAGE_SIZE];
  const struct iovec part = {pages, count * PAGE_SIZE};
  if (pwritev2(file, &part, 1, index % PAGE_COUNT * PAGE_SIZE, flags) != count * PAGE_SIZE) fail("write");
}

static void serve(int listener, int file) {
  const int client = without_delay(accept(listener, NULL, NULL));
  char request[REQUEST_SIZE];
  const char reply[REPLY_SIZE] = {0};
  for (long index = 0; receive(client, request, sizeof request); index++) {
    write_pages(file, index, 1, RWF_DSYNC);
    send_all(client, reply, sizeof reply);
  }
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static void load(const struct sockaddr_in *address, double duration) {
  const int server = without_delay(socket(AF_INET, SOCK_STREAM, 0));
  if (connect(server, (const struct sockaddr *)address, sizeof *address) != 0) fail("connect");
  const char request[REQUEST_SIZE] = {0};
  char reply[REPLY_SIZE];
  const double start = seconds();
  long count = 0;
  double elapsed;
  do {
    send_all(server, request, sizeof request);
    if (!receive(server, reply, sizeof reply)) fail("the server ended");
    count++;
    elapsed = seconds() - start;
  } while (elapsed < duration);
  close(server);
  printf("%.1f\n", count / elapsed);
}

int main(int argument_count, char **arguments) {
  if (argument_count != 3) {
    fprintf(stderr, "usage: bare_pair FOLDER SECONDS\n");
    return 2;
  }
  char path[4096];
  snprintf(path, sizeof path, "%s/pages", arguments[1]);
  // Past the page cache, where the file system can.
  const int flags = O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC;
  int file = open(path, flags | O_DIRECT, 0600);
  if (file < 0 && errno == EINVAL) file = open(path, flags, 0600);
  if (file < 0) fail(path);
  unlink(path);
  // Blocks that were written before, as those of the server's logs mostly are.
  for (long index = 0; index < PAGE_COUNT; index += PAGES_IN_PIECE) write_pages(file, index, PAGES_IN_PIECE, 0);
  if (fsync(file) != 0) fail("sync");

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t address_size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, address_size) != 0 ||
      listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &address_size) != 0) {
    fail("listen");
  }
  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    serve(listener, file);
  } else {
    load(&address, atof(arguments[2]));
    wait(NULL);
  }
  return 0;
}
