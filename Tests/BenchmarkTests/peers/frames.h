/* The few bytes of the Homing wire (proto/README.md) that load generator and echo limit know.
 * A frame is a 4-byte big-endian length and a body, which begins with the id of its stream. */
#ifndef HOMING_FRAMES_H
#define HOMING_FRAMES_H
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

enum {
  TAG_STREAM_ID = 0x0d,
  TAG_METHOD = 0x12,
  TAG_MESSAGES = 0x2a,
  TAG_HALF_CLOSE = 0x30,
  TAG_STATUS = 0x3a,
  TAG_CREDIT = 0x50,
  TAG_SETTINGS = 0x5a,
  TAG_PING = 0x62,
  TAG_GO_AWAY = 0x6a,
};
enum { LENGTH_BYTES = 4, ID_AT = LENGTH_BYTES + 1, ID_BYTES = 4 };

static inline uint8_t *put_varint(uint8_t *p, uint64_t value) {
  for (; value > 127; value >>= 7) *p++ = (uint8_t)(value | 128);
  *p++ = (uint8_t)value;
  return p;
}

/* Reads a varint of at most 10 bytes; NULL when it does not end before `end`. */
static inline const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
    uint8_t byte = *p++;
    *value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return p;
  }
  return NULL;
}

static inline uint8_t *put_bytes(uint8_t *p, uint8_t tag, const void *data, size_t size) {
  *p++ = tag;
  p = put_varint(p, size);
  memcpy(p, data, size);
  return p + size;
}

static inline uint32_t get_length(const uint8_t *p) {
  uint32_t length;
  memcpy(&length, p, sizeof length);
  return ntohl(length);
}

/* Writes the length in front of a body that begins at `frame + LENGTH_BYTES`; the whole size. */
static inline uint32_t seal(uint8_t *frame, const uint8_t *end) {
  uint32_t length = htonl((uint32_t)(end - frame - LENGTH_BYTES));
  memcpy(frame, &length, sizeof length);
  return (uint32_t)(end - frame);
}

static inline uint8_t *put_stream_id(uint8_t *p, uint32_t id) {
  *p++ = TAG_STREAM_ID;
  memcpy(p, &id, sizeof id); /* fixed32 is little-endian, and so are the machines we run on. */
  return p + sizeof id;
}

/* A call's first and only frame, with one message. `frame` has room for payload + method + 64. */
static inline uint32_t put_request(uint8_t *frame, uint32_t id, const char *method,
                                   const void *payload, size_t size) {
  uint8_t *p = put_stream_id(frame + LENGTH_BYTES, id);
  p = put_bytes(p, TAG_METHOD, method, strlen(method));
  p = put_bytes(p, TAG_MESSAGES, payload, size);
  *p++ = TAG_HALF_CLOSE;
  *p++ = 1;
  return seal(frame, p);
}

/* Settings with these windows; 0 leaves a window at its default. At most 64 bytes. */
static inline uint32_t put_settings(uint8_t *frame, uint64_t stream, uint64_t connection) {
  uint8_t settings[32], *s = settings;
  if (stream) s = put_varint((*s = 0x18, s + 1), stream);
  if (connection) s = put_varint((*s = 0x20, s + 1), connection);
  return seal(frame, put_bytes(frame + LENGTH_BYTES, TAG_SETTINGS, settings,
                               (size_t)(s - settings)));
}

/* Credit for a stream, or for the connection when the id is 0. At most 64 bytes. */
static inline uint32_t put_credit(uint8_t *frame, uint32_t id, uint64_t credit) {
  uint8_t *p = frame + LENGTH_BYTES;
  if (id) p = put_stream_id(p, id);
  *p++ = TAG_CREDIT;
  return seal(frame, put_varint(p, credit));
}

/* The answer to a ping with this body (after tag and length); 0 when it is itself an answer. */
static inline uint32_t put_pong(uint8_t *frame, const uint8_t *ping, size_t size) {
  static const uint8_t answer[] = {0x10, 1};
  uint8_t body[16];
  if (size > sizeof body - sizeof answer) return 0;
  if (size >= 2 && memcmp(ping + size - 2, answer, 2) == 0 && (size == 2 || size == 11)) return 0;
  memcpy(body, ping, size);
  memcpy(body + size, answer, sizeof answer);
  return seal(frame, put_bytes(frame + LENGTH_BYTES, TAG_PING, body, size + sizeof answer));
}
#endif
