/* Load generator for Homing frames over TLS 1.3. One thread, epoll. Keeps OUT calls under way on
 * each of CONNS connections to 127.0.0.1; all that a wake-up brought is read, and as many new calls
 * leave in one SSL_write. An answer is a frame of a stream; it must end with the status OK and its
 * id must be under way. Pings are answered, other frames of the connection passed over.
 *
 *   loadgen --port P --cert F --key F --ca F --payload FILE [--method NAME]
 *           [--conns N] [--out N] [--secs S] [--warm S] [--server-pid PID]
 *     --calls N                     exactly N calls in all, without warm-up, instead of a time;
 *                                   prints the bytes of a request's and an answer's frame too
 *     --connect-only full|resumed   one connection after another: handshake, a call, close
 *     --stream [--window BYTES]     beside the calls, messages of 1 MiB stream on the connection;
 *                                   default: the protocol's own windows
 *     --idle N                      N connections make a call each, then stay until stdin closes
 *     --contacts N                  each call another one: in FILE a run of 12 `@` becomes the
 *                                   number of the call, 10 `#` a contact below N, one `$` a digit
 *                                   from 0 to 3, by chance; the Timestamp of 4294967295 s and
 *                                   999999999 ns becomes the present
 *     --raw                         FILE is a whole packet of another protocol with frames of this
 *                                   form; every frame is an answer, in order
 * Prints one JSON line. Exits with 1 on any error. */
#define _GNU_SOURCE
#include "frames.h"
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { READ_BYTES = 64 << 10, UNDER_WAY_MAX = 4096, CONNECTIONS_MAX = 16384 };
enum { PART_BYTES = 1 << 20, PARTS = 10000 };

typedef struct {
  int fd, blocked;
  SSL *ssl;
  uint32_t id_next, under_way, order_next; /* order_next: for answers without an id */
  uint32_t read_count, write_at, write_count, write_capacity;
  uint32_t stream_id;  /* the streaming call, 0 if there is none */
  uint64_t skip;       /* bytes left of a large frame that was counted already */
  uint64_t owed;       /* bytes of messages for which no credit went back yet */
  uint8_t *write;
  uint8_t read[READ_BYTES];
  uint64_t sent[UNDER_WAY_MAX]; /* when the call `id % UNDER_WAY_MAX` was sent; 0: not under way */
} connection;

static struct {
  int port, conns, out, idle, raw, stream, resumed, connect_only;
  uint64_t stream_window, calls, contacts;
  double secs, warm;
  const char *payload, *method, *cert, *key, *ca;
} options = {.conns = 1, .out = 1, .secs = 3, .warm = .5,
             .method = "homing.echo.v1.Echo/Publish"};

static SSL_CTX *context;
static SSL_SESSION *session; /* the newest */
static int poller, measuring;
static window measured;
static uint64_t streamed_bytes, answer_bytes, calls_left = UINT64_MAX;
static uint8_t *request, preface[64];
static uint32_t request_bytes, preface_bytes;

/* Places in `request` that differ from call to call. */
enum { MARKS_MAX = 16 };
static struct {
  uint32_t at, size;
  char kind;
} marks[MARKS_MAX];
static int mark_count;
static uint64_t chance_state, call_number;

static void die(const char *reason) {
  fprintf(stderr, "loadgen: %s (%s)\n", reason, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

static void watch(connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void flush(connection *c) {
  while (c->write_at < c->write_count) {
    int count = SSL_write(c->ssl, c->write + c->write_at, (int)(c->write_count - c->write_at));
    if (count <= 0) {
      if (SSL_get_error(c->ssl, count) != SSL_ERROR_WANT_WRITE) die("write failed");
      if (!c->blocked) watch(c, EPOLLIN | EPOLLOUT);
      c->blocked = 1;
      return;
    }
    c->write_at += (uint32_t)count;
  }
  c->write_at = c->write_count = 0;
  if (c->blocked) watch(c, EPOLLIN);
  c->blocked = 0;
}

/* Room for `size` more bytes to write. */
static uint8_t *room(connection *c, uint32_t size) {
  if (c->write_count + size > c->write_capacity) {
    c->write_capacity = 2 * (c->write_count + size);
    c->write = realloc(c->write, c->write_capacity);
    if (!c->write) die("out of memory");
  }
  return c->write + c->write_count;
}

static uint64_t chance(void) {
  chance_state ^= chance_state << 13;
  chance_state ^= chance_state >> 7;
  return chance_state ^= chance_state << 17;
}

static void put_digits(uint8_t *at, uint32_t size, uint64_t number) {
  while (size--) at[size] = (uint8_t)('0' + number % 10), number /= 10;
}

static void put_padded_varint(uint8_t *at, uint64_t value) {
  for (int i = 0; i < 5; i++, value >>= 7) at[i] = (uint8_t)((value & 127) | (i < 4 ? 128 : 0));
}

/* The present in the bytes of a Timestamp, each number in 5 bytes. */
static void put_time(uint8_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  put_padded_varint(at + 1, (uint64_t)now.tv_sec);
  put_padded_varint(at + 7, (uint64_t)now.tv_nsec);
}

/* Makes the frame another call than the one before: its own event, of some contact. */
static void vary(uint8_t *frame) {
  uint64_t number = call_number++, contact = chance() % options.contacts, digit = chance() % 4;
  for (int i = 0; i < mark_count; i++) {
    if (marks[i].kind == 't') {
      put_time(frame + marks[i].at);
      continue;
    }
    uint64_t value = marks[i].kind == '@' ? number : marks[i].kind == '#' ? contact : digit;
    put_digits(frame + marks[i].at, marks[i].size, value);
  }
}

static void add_mark(uint32_t at, uint32_t size, char kind) {
  if (mark_count == MARKS_MAX) die("too many marks");
  marks[mark_count].at = at;
  marks[mark_count].size = size;
  marks[mark_count++].kind = kind;
}

static void find_marks(void) {
  static const uint8_t time[] = {0x08, 0xff, 0xff, 0xff, 0xff, 0x0f,
                                 0x10, 0xff, 0x93, 0xeb, 0xdc, 0x03};
  static const struct { char kind; uint32_t size; } known[] = {{'@', 12}, {'#', 10}, {'$', 1}};
  for (uint32_t at = 0; at < request_bytes; at++) {
    if (request_bytes - at >= sizeof time && !memcmp(request + at, time, sizeof time))
      add_mark(at, sizeof time, 't');
    for (int k = 0; k < 3; k++) {
      uint32_t size = 0;
      while (at + size < request_bytes && request[at + size] == known[k].kind) size++;
      if (size != known[k].size) continue;
      add_mark(at, size, known[k].kind);
      at += size - 1;
      break;
    }
  }
  if (!mark_count) die("the payload has no marks");
  call_number = now_ns() / 1000 % 1000000000000;
  chance_state = now_ns() | 1;
}

static void issue(connection *c, uint32_t count) {
  if (count > calls_left) count = (uint32_t)calls_left;
  if (!count) return;
  calls_left -= count;
  uint8_t *frame = room(c, count * request_bytes);
  uint64_t now = now_ns();
  for (uint32_t i = 0; i < count; i++, frame += request_bytes) {
    uint32_t id = c->id_next++;
    memcpy(frame, request, request_bytes);
    if (!options.raw) memcpy(frame + ID_AT, &id, ID_BYTES);
    if (mark_count) vary(frame);
    if (c->sent[id % UNDER_WAY_MAX]) die("a call is never answered");
    c->sent[id % UNDER_WAY_MAX] = now;
  }
  c->under_way += count;
  c->write_count += count * request_bytes;
  flush(c);
}

/* Begins a server-streaming call of PARTS messages. */
static void issue_stream(connection *c) {
  static uint8_t parts[PARTS * 6];
  static const uint8_t part[] = {0x0a, 4, 0x08, 0x80, 0x80, 0x40}; /* payload_bytes: 1 MiB */
  for (int i = 0; i < PARTS; i++) memcpy(parts + i * 6, part, sizeof part);
  c->stream_id = c->id_next++;
  c->write_count += put_request(room(c, sizeof parts + 256), c->stream_id,
                                "homing.echo.v1.Echo/ServerStream", parts, sizeof parts);
}

static connection *open_connection(void) {
  connection *c = calloc(1, sizeof *c);
  int one = 1;
  if (!c) die("out of memory");
  c->id_next = c->order_next = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)options.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(c->fd, (void *)&address, sizeof address)) die("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  c->ssl = SSL_new(context);
  SSL_set_fd(c->ssl, c->fd);
  if (options.resumed && session) SSL_set_session(c->ssl, session);
  if (SSL_connect(c->ssl) != 1) die("handshake");
  if (options.resumed && session && !SSL_session_reused(c->ssl)) die("not resumed");
  fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
  memcpy(room(c, preface_bytes), preface, preface_bytes);
  c->write_count += preface_bytes;
  if (options.stream) issue_stream(c);
  return c;
}

static void close_connection(connection *c) {
  SSL_shutdown(c->ssl);
  SSL_free(c->ssl);
  close(c->fd);
  free(c->write);
  free(c);
}

static void answered(connection *c, uint32_t id, uint64_t now) {
  uint64_t *sent = &c->sent[id % UNDER_WAY_MAX];
  if (!*sent || !c->under_way) die("an answer without its request");
  if (measuring) histogram_add(&measured.latency, now - *sent);
  *sent = 0;
  c->under_way--;
}

/* A frame of the connection: pings are answered, a go-away ends the run. */
static void on_connection_frame(connection *c, const uint8_t *body, uint32_t size) {
  if (size < 2 || body[0] == TAG_GO_AWAY) die("the server went away");
  if (body[0] != TAG_PING) return;
  c->write_count += put_pong(room(c, 64), body + 2, size - 2);
}

/* Bytes of the message that begins a stream's frame; the frame's first bytes are enough. */
static uint64_t message_bytes(const uint8_t *body, const uint8_t *end) {
  uint64_t size = 0;
  body += ID_BYTES + 1;
  if (body == end || *body != TAG_MESSAGES) return 0;
  if (!get_varint(body + 1, end, &size)) die("a broken frame");
  return size;
}

/* Counts a frame of `size` bytes, of which `have` are there; 1 when a call was answered. */
static int on_frame(connection *c, const uint8_t *body, uint32_t have, uint32_t size,
                    uint64_t now) {
  uint32_t id = 0;
  if (options.raw) return answered(c, c->order_next++, now), 1;
  if (have > ID_BYTES && body[0] == TAG_STREAM_ID) memcpy(&id, body + 1, ID_BYTES);
  if (!id) return on_connection_frame(c, body, size), 0;
  if (options.stream) {
    uint64_t bytes = message_bytes(body, body + have);
    c->owed += bytes;
    if (id == c->stream_id) {
      if (measuring) streamed_bytes += bytes;
      if (have == size && size > 6 && body[size - 2] == TAG_STATUS && !body[size - 1])
        issue_stream(c);
      else if (!bytes)
        die("the stream ended");
      else
        c->write_count += put_credit(room(c, 64), id, bytes);
      if (c->owed) c->write_count += put_credit(room(c, 64), 0, c->owed);
      c->owed = 0;
      return 0;
    }
  }
  if (have != size || size < 7 || body[size - 2] != TAG_STATUS || body[size - 1])
    die("an answer other than OK");
  answered(c, id, now);
  return 1;
}

/* Runs the frames that are there; the number of calls answered. */
static uint32_t run_frames(connection *c) {
  uint32_t at = 0, count = 0;
  uint64_t now = now_ns();
  for (;;) {
    uint32_t have = c->read_count - at;
    if (c->skip) {
      uint32_t part = c->skip < have ? (uint32_t)c->skip : have;
      c->skip -= part;
      at += part;
      have -= part;
    }
    if (have < LENGTH_BYTES) break;
    have -= LENGTH_BYTES;
    uint32_t size = get_length(c->read + at);
    const uint8_t *body = c->read + at + LENGTH_BYTES;
    if (have >= size) {
      if (on_frame(c, body, size, size, now)) count++, answer_bytes += LENGTH_BYTES + size;
      at += LENGTH_BYTES + size;
    } else if (size > READ_BYTES - LENGTH_BYTES && have >= 32) {
      if (!options.stream) die("a frame that is too long");
      on_frame(c, body, have, size, now);
      c->skip = (uint64_t)LENGTH_BYTES + size;
    } else {
      break;
    }
  }
  c->read_count -= at;
  if (at) memmove(c->read, c->read + at, c->read_count);
  return count;
}

static uint32_t read_answers(connection *c) {
  uint32_t answers = 0;
  do {
    int count = SSL_read(c->ssl, c->read + c->read_count, (int)(READ_BYTES - c->read_count));
    if (count <= 0) {
      if (SSL_get_error(c->ssl, count) == SSL_ERROR_WANT_READ) break;
      die("the server closed the connection");
    }
    c->read_count += (uint32_t)count;
    answers += run_frames(c);
  } while (SSL_has_pending(c->ssl));
  return answers;
}

/* Waits, reads, answers; gives each connection as many new calls as were answered if `issuing`. */
static void turn(int issuing) {
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, options.raw && !issuing ? 1000 : 5000);
  /* Thrift's server leaves requests in OpenSSL's buffer when nothing follows them. */
  if (count <= 0 && options.raw && !issuing) exit(0);
  if (count <= 0) die("no answer for 5 s");
  for (int i = 0; i < count; i++) {
    connection *c = events[i].data.ptr;
    if (events[i].events & EPOLLOUT) flush(c);
    if (!(events[i].events & ~(uint32_t)EPOLLOUT)) continue;
    uint32_t answers = read_answers(c);
    if (issuing) issue(c, answers);
    if (c->write_count && !c->blocked) flush(c);
  }
}

static void run_load(void) {
  connection *all[CONNECTIONS_MAX];
  for (int i = 0; i < options.conns; i++) all[i] = open_connection();
  for (int i = 0; i < options.conns; i++) issue(all[i], (uint32_t)options.out);
  uint64_t end = now_ns() + (uint64_t)(options.warm * 1e9);
  while (now_ns() < end) turn(1);
  window_begin(&measured);
  measuring = 1;
  end = measured.begin + (uint64_t)(options.secs * 1e9);
  while (now_ns() < end) turn(1);
  measuring = 0;
  window_end(&measured);
  char more[64] = "";
  if (options.stream)
    snprintf(more, sizeof more, ",\"stream_mb_s\":%.1f",
             (double)streamed_bytes * 1e3 / (double)(measured.end - measured.begin));
  window_print(&measured, options.conns, options.out, more);
  for (int i = 0; i < options.conns; i++)
    while (all[i]->under_way) turn(0); /* Each call is answered, and answered OK. */
  for (int i = 0; i < options.conns; i++) close_connection(all[i]);
}

/* As many calls as were asked for, and no more. */
static void run_calls(void) {
  connection *all[CONNECTIONS_MAX];
  char more[96];
  for (int i = 0; i < options.conns; i++) all[i] = open_connection();
  calls_left = options.calls;
  measuring = 1;
  window_begin(&measured);
  for (int i = 0; i < options.conns; i++) issue(all[i], (uint32_t)options.out);
  while (measured.latency.count < options.calls) turn(1);
  window_end(&measured);
  snprintf(more, sizeof more, ",\"request_bytes\":%u,\"answer_bytes\":%.3f", request_bytes,
           (double)answer_bytes / (double)options.calls);
  window_print(&measured, options.conns, options.out, more);
  for (int i = 0; i < options.conns; i++) close_connection(all[i]);
}

static void one_connection(void) {
  uint64_t begin = now_ns();
  connection *c = open_connection();
  issue(c, 1);
  while (c->under_way) turn(0);
  close_connection(c);
  if (measuring) histogram_add(&measured.latency, now_ns() - begin);
}

static void run_connects(void) {
  one_connection(); /* The first has no session to resume. */
  measuring = 1;
  window_begin(&measured);
  uint64_t end = measured.begin + (uint64_t)(options.secs * 1e9);
  while (now_ns() < end) one_connection();
  window_end(&measured);
  window_print(&measured, 1, 1, options.resumed ? ",\"resumed\":true" : ",\"resumed\":false");
}

static void run_idle(void) {
  static connection *all[CONNECTIONS_MAX];
  for (int i = 0; i < options.idle; i++) {
    all[i] = open_connection();
    issue(all[i], 1);
    while (all[i]->under_way) turn(0);
  }
  printf("{\"idle\":%d}\n", options.idle);
  fflush(stdout);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  for (int over = 0; !over;) {
    int count = epoll_wait(poller, events, 256, -1);
    for (int i = 0; i < count; i++) {
      connection *c = events[i].data.ptr;
      char byte;
      if (!c) {
        over = read(STDIN_FILENO, &byte, 1) <= 0;
      } else {
        read_answers(c);
        flush(c);
      }
    }
  }
  for (int i = 0; i < options.idle; i++) close_connection(all[i]);
}

static int keep_session(SSL *ssl, SSL_SESSION *newest) {
  (void)ssl;
  SSL_SESSION_free(session);
  session = newest;
  return 1;
}

static void make_context(void) {
  static const unsigned char protocol[] = "\x08homing/1";
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_use_certificate_chain_file(context, options.cert) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, options.key, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_load_verify_locations(context, options.ca, NULL) != 1)
    die("certificates");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (!options.raw) SSL_CTX_set_alpn_protos(context, protocol, sizeof protocol - 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static void make_request(void) {
  static uint8_t payload[1 << 20];
  FILE *file = fopen(options.payload, "rb");
  if (!file) die(options.payload);
  size_t size = fread(payload, 1, sizeof payload, file);
  fclose(file);
  request = malloc(size + strlen(options.method) + 64);
  if (!request) die("out of memory");
  if (options.raw) {
    memcpy(request, payload, size);
    request_bytes = (uint32_t)size;
    return;
  }
  request_bytes = put_request(request, 1, options.method, payload, size);
  if (options.contacts) find_marks();
  /* So much credit that no answer of a run needs more, or what a careful client would grant. */
  if (!options.stream) preface_bytes = put_settings(preface, 0, 1ull << 40);
  else if (options.stream_window)
    preface_bytes = put_settings(preface, options.stream_window, 4 * options.stream_window);
}

static int parse(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
#define OPTION(text) (!strcmp(name, text) && ++i)
    if (OPTION("--port")) options.port = atoi(value);
    else if (OPTION("--cert")) options.cert = value;
    else if (OPTION("--key")) options.key = value;
    else if (OPTION("--ca")) options.ca = value;
    else if (OPTION("--payload")) options.payload = value;
    else if (OPTION("--method")) options.method = value;
    else if (OPTION("--conns")) options.conns = atoi(value);
    else if (OPTION("--out")) options.out = atoi(value);
    else if (OPTION("--secs")) options.secs = atof(value);
    else if (OPTION("--contacts")) options.contacts = strtoull(value, NULL, 10);
    else if (OPTION("--calls")) options.calls = strtoull(value, NULL, 10);
    else if (OPTION("--warm")) options.warm = atof(value);
    else if (OPTION("--server-pid")) measured.server_pid = atoi(value);
    else if (OPTION("--idle")) options.idle = atoi(value);
    else if (OPTION("--window")) options.stream_window = (uint64_t)atoll(value);
    else if (OPTION("--connect-only")) {
      options.connect_only = 1;
      options.resumed = !strcmp(value, "resumed");
    } else if (!strcmp(name, "--stream")) options.stream = 1;
    else if (!strcmp(name, "--raw")) options.raw = 1;
    else return fprintf(stderr, "unknown option %s\n", name), 0;
  }
  return options.port && options.cert && options.key && options.ca && options.payload &&
         options.conns > 0 && options.conns <= CONNECTIONS_MAX && options.out > 0 &&
         options.out < UNDER_WAY_MAX && options.idle <= CONNECTIONS_MAX && options.secs <= 60;
}

int main(int argc, char **argv) {
  if (!parse(argc, argv)) return fprintf(stderr, "see the head of loadgen.c\n"), 2;
  struct rlimit files = {CONNECTIONS_MAX + 64, CONNECTIONS_MAX + 64};
  if (options.conns + options.idle > 900 && setrlimit(RLIMIT_NOFILE, &files)) die("open files");
  signal(SIGPIPE, SIG_IGN);
  make_request();
  make_context();
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (options.idle) run_idle();
  else if (options.connect_only) run_connects();
  else if (options.calls) run_calls();
  else run_load();
  return 0;
}
