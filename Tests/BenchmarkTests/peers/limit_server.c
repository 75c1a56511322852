/* The limit: what a server in C needs for the benchmark's call. One thread, epoll, OpenSSL with
 * TLS 1.3 and AES-128-GCM, client certificates required. All that a wake-up brought is read, and
 * all its answers leave in one SSL_write.
 *
 *   limit_server --mode echo|arena --cert F --key F --ca F [--port P]
 *
 * echo   the request is not looked at but for its stream id; a prepared answer goes out
 * arena  protobuf-c in a bump arena: the Frame and its CartEvent unpacked, Ack and Frame packed
 *
 * Prints `listening on 127.0.0.1:PORT`. Ends by SIGTERM. */
#define _GNU_SOURCE
#include "frames.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "homing/echo/v1/echo.pb-c.h"
#include "homing/rpc/v1/frame.pb-c.h"

enum { READ_BYTES = 64 << 10, WRITE_BYTES = 256 << 10, ANSWER_BYTES_MAX = 256 };
enum { PORT_FIRST = 20000, PORT_LAST = 32000 };

typedef struct {
  int fd, handshaking;
  uint32_t events, read_count, write_at, write_count;
  SSL *ssl;
  uint8_t read[READ_BYTES];
  uint8_t write[WRITE_BYTES];
} connection;

static int poller = -1;
static uint64_t sequence = 0;
static volatile sig_atomic_t stopping = 0;
static uint32_t (*answer)(const uint8_t *body, uint32_t size, uint8_t *frame);

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

/* The arena: reset for each request, so nothing is ever freed. */
static uint8_t arena[64 << 10];
static size_t arena_used;

static void *arena_alloc(void *data, size_t size) {
  (void)data;
  size_t at = (arena_used + 15) & ~(size_t)15;
  if (size > sizeof arena - at) return NULL;
  arena_used = at + size;
  return arena + at;
}

static void arena_free(void *data, void *pointer) {
  (void)data;
  (void)pointer;
}

static ProtobufCAllocator arena_allocator = {arena_alloc, arena_free, NULL};

/* Both answer functions write a whole frame, at most ANSWER_BYTES_MAX, and give its size: 0 for a
 * frame that wants no answer (the connection's), UINT32_MAX for one that is wrong. */
static uint32_t answer_echo(const uint8_t *body, uint32_t size, uint8_t *frame) {
  static const uint8_t ack[] = {0x09, 1,    2,    3,    4,    5,    6,    7,    8,   0x10,
                                0x80, 0x80, 0x80, 0x80, 0x80, 0x33, 0x18, 0xc8, 0x01};
  if (size < ID_BYTES + 1 || body[0] != TAG_STREAM_ID) return 0;
  memcpy(frame + LENGTH_BYTES, body, ID_BYTES + 1);
  uint8_t *p = put_bytes(frame + ID_AT + ID_BYTES, TAG_MESSAGES, ack, sizeof ack);
  *p++ = TAG_STATUS;
  *p++ = 0;
  return seal(frame, p);
}

static uint32_t answer_arena(const uint8_t *body, uint32_t size, uint8_t *frame) {
  arena_used = 0;
  Homing__Rpc__V1__Frame *request =
      homing__rpc__v1__frame__unpack(&arena_allocator, size, body);
  if (!request) return UINT32_MAX;
  if (!request->stream_id) return 0;
  if (request->n_messages != 1) return UINT32_MAX;
  Homing__Echo__V1__CartEvent *event = homing__echo__v1__cart_event__unpack(
      &arena_allocator, request->messages[0].len, request->messages[0].data);
  if (!event || !event->store_id || !event->cart_id.len) return UINT32_MAX;

  Homing__Echo__V1__Ack ack = HOMING__ECHO__V1__ACK__INIT;
  ack.seq = ++sequence;
  ack.ts_ms = event->ts_ms;
  ack.status = event->n_items ? 200 : 400;
  uint8_t message[64];
  ProtobufCBinaryData messages = {homing__echo__v1__ack__pack(&ack, message), message};
  Homing__Rpc__V1__Status status = HOMING__RPC__V1__STATUS__INIT;
  Homing__Rpc__V1__Frame response = HOMING__RPC__V1__FRAME__INIT;
  response.stream_id = request->stream_id;
  response.n_messages = 1;
  response.messages = &messages;
  response.status = &status;
  return seal(frame, frame + LENGTH_BYTES +
                         homing__rpc__v1__frame__pack(&response, frame + LENGTH_BYTES));
}

static void drop(connection *c) {
  SSL_free(c->ssl);
  close(c->fd);
  free(c);
}

static void wait_for(connection *c, uint32_t events) {
  if (c->events == events) return;
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
  c->events = events;
}

/* The functions below give 1 when done, 0 when the socket has to be waited for, -1 at the end. */
static int blocked(connection *c, int result) {
  switch (SSL_get_error(c->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    wait_for(c, EPOLLIN);
    return 0;
  case SSL_ERROR_WANT_WRITE:
    wait_for(c, EPOLLOUT);
    return 0;
  default:
    ERR_clear_error();
    return -1;
  }
}

static int write_answers(connection *c) {
  while (c->write_at < c->write_count) {
    int count = SSL_write(c->ssl, c->write + c->write_at, (int)(c->write_count - c->write_at));
    if (count <= 0) return blocked(c, count);
    c->write_at += (uint32_t)count;
  }
  c->write_at = c->write_count = 0;
  wait_for(c, EPOLLIN);
  return 1;
}

/* Answers every whole frame that was read, as far as the answers have room. */
static int run_frames(connection *c) {
  uint32_t at = 0;
  int result = 1;
  while (result == 1 && c->read_count - at >= LENGTH_BYTES) {
    uint32_t size = get_length(c->read + at);
    if (!size || size > READ_BYTES - LENGTH_BYTES) return -1;
    if (c->read_count - at - LENGTH_BYTES < size) break;
    uint32_t count = answer(c->read + at + LENGTH_BYTES, size, c->write + c->write_count);
    if (count == UINT32_MAX) return -1;
    c->write_count += count;
    at += LENGTH_BYTES + size;
    if (c->write_count > WRITE_BYTES - ANSWER_BYTES_MAX) result = write_answers(c);
  }
  c->read_count -= at;
  if (at) memmove(c->read, c->read + at, c->read_count);
  return result;
}

static int on_ready(connection *c) {
  if (c->handshaking) {
    int result = SSL_do_handshake(c->ssl);
    if (result != 1) return blocked(c, result);
    c->handshaking = 0;
    wait_for(c, EPOLLIN);
  }
  int result = write_answers(c);
  if (result == 1) result = run_frames(c); /* What was left when the answers had no room. */
  while (result == 1) {
    int count = SSL_read(c->ssl, c->read + c->read_count, (int)(READ_BYTES - c->read_count));
    if (count <= 0) {
      if (SSL_get_error(c->ssl, count) != SSL_ERROR_WANT_READ) return -1;
      break;
    }
    c->read_count += (uint32_t)count;
    result = run_frames(c);
    /* Level-triggered: no further read only to be told that there is nothing. */
    if (!SSL_has_pending(c->ssl)) break;
  }
  return result == 1 ? write_answers(c) : result;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *size,
                           const unsigned char *offered, unsigned offered_size, void *data) {
  static const unsigned char ours[] = "\x08homing/1";
  (void)ssl;
  (void)data;
  int result = SSL_select_next_proto((unsigned char **)out, size, ours, sizeof ours - 1, offered,
                                     offered_size);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *make_context(const char *cert, const char *key, const char *ca) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_use_certificate_chain_file(context, cert) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
    ERR_print_errors_fp(stderr);
    exit(1);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_session_id_context(context, (const unsigned char *)"limit", 5);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

/* Port 0 takes a free one below the range that the kernel gives to clients. */
static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  int first = port ? port : PORT_FIRST + getpid() % (PORT_LAST - PORT_FIRST);
  int last = port ? port : PORT_LAST;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  for (port = first; port <= last; port++) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (void *)&address, sizeof address) || listen(fd, 1024)) continue;
    printf("listening on 127.0.0.1:%d\n", port);
    fflush(stdout);
    return fd;
  }
  perror("listen");
  exit(1);
}

static void accept_one(int listener, SSL_CTX *context) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
  connection *c = fd < 0 ? NULL : malloc(sizeof *c);
  if (!c) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  c->fd = fd;
  c->handshaking = 1;
  c->read_count = c->write_at = c->write_count = 0;
  c->events = EPOLLIN;
  c->ssl = SSL_new(context);
  SSL_set_fd(c->ssl, fd);
  SSL_set_accept_state(c->ssl);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
  int port = 0;
  const char *cert = NULL, *key = NULL, *ca = NULL;
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--port")) port = atoi(value);
    else if (!strcmp(name, "--cert")) cert = value;
    else if (!strcmp(name, "--key")) key = value;
    else if (!strcmp(name, "--ca")) ca = value;
    else if (!strcmp(name, "--mode") && !strcmp(value, "echo")) answer = answer_echo;
    else if (!strcmp(name, "--mode") && !strcmp(value, "arena")) answer = answer_arena;
    else return fprintf(stderr, "unknown option %s %s\n", name, value), 2;
  }
  if (!cert || !key || !ca || !answer) return fprintf(stderr, "see the head of the source\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);

  SSL_CTX *context = make_context(cert, key, ca);
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(port);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  while (!stopping) {
    int count = epoll_wait(poller, events, 256, 1000);
    for (int i = 0; i < count; i++) {
      connection *c = events[i].data.ptr;
      if (!c) accept_one(listener, context);
      else if (on_ready(c) < 0) drop(c);
    }
  }
  return 0;
}
