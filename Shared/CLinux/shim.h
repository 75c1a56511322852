#pragma once
#include <errno.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// What Swift's Glibc module does not show, or shows without its value: calls with plain integers. No logic.

static inline int homing_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int homing_epoll_control(int epoll, int operation, int fd, uint32_t events,
                                       uint64_t token) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = events;
  event.data.u64 = token;
  return epoll_ctl(epoll, operation, fd, &event);
}
static inline uint32_t homing_event_kinds(const struct epoll_event *event) { return event->events; }
static inline uint64_t homing_event_token(const struct epoll_event *event) {
  return event->data.u64;
}
static inline int homing_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static const uint32_t homing_epoll_in = EPOLLIN;
static const uint32_t homing_epoll_out = EPOLLOUT;
static const uint32_t homing_epoll_hang_up = EPOLLHUP | EPOLLERR | EPOLLRDHUP;
static const int homing_epoll_add = EPOLL_CTL_ADD;
static const int homing_epoll_modify = EPOLL_CTL_MOD;
static const int homing_epoll_remove = EPOLL_CTL_DEL;

static inline int homing_tcp_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
}
static inline int homing_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
static inline int homing_set_flag(int fd, int level, int option) {
  int one = 1;
  return setsockopt(fd, level, option, &one, sizeof one);
}
static inline int homing_no_delay(int fd) {
  return homing_set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
}
static inline int homing_reuse_address(int fd) {
  return homing_set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
}
static inline int homing_socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) ? errno : error;
}
static inline void homing_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
static inline int64_t homing_monotonic_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
static inline int homing_give_back_memory(void) { return malloc_trim(0); }
