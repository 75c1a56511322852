/* Clock, latency histogram, CPU and memory from /proc, and the one JSON line of a measurement. */
#ifndef HOMING_MEASURE_H
#define HOMING_MEASURE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* Log-linear: 64 steps per power of two, so a quantile is at most 1.6 % off. Values in ns. */
enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * 48 };
typedef struct {
  uint64_t count, max;
  uint32_t buckets[HISTOGRAM_BUCKETS];
} histogram;

static inline void histogram_add(histogram *h, uint64_t ns) {
  unsigned index = (unsigned)ns;
  if (ns >= HISTOGRAM_STEPS) {
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns); /* 6 or more */
    index = (exponent - 5) * HISTOGRAM_STEPS +
            (unsigned)((ns >> (exponent - 6)) - HISTOGRAM_STEPS);
  }
  if (index >= HISTOGRAM_BUCKETS) index = HISTOGRAM_BUCKETS - 1;
  h->buckets[index]++;
  h->count++;
  if (ns > h->max) h->max = ns;
}

/* The quantile in microseconds: the middle of its bucket. */
static inline double histogram_quantile(const histogram *h, double quantile) {
  uint64_t wanted = (uint64_t)(quantile * (double)h->count), seen = 0;
  if (wanted >= h->count) wanted = h->count ? h->count - 1 : 0;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += h->buckets[i];
    if (seen <= wanted) continue;
    if (i < HISTOGRAM_STEPS) return i / 1e3;
    unsigned exponent = i / HISTOGRAM_STEPS + 5, step = i % HISTOGRAM_STEPS;
    uint64_t low = (uint64_t)(HISTOGRAM_STEPS + step) << (exponent - 6);
    return (double)(low + ((1ull << (exponent - 6)) >> 1)) / 1e3;
  }
  return (double)h->max / 1e3;
}

/* CPU time in microseconds. */
typedef struct {
  double user, system;
} cpu_time;

/* Of a process with all its threads, in the kernel's steps of 10 ms; 0 for pid 0. */
static inline cpu_time process_cpu(int pid) {
  cpu_time result = {0, 0};
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = pid ? fopen(path, "r") : NULL;
  if (!file) return result;
  size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[size] = 0;
  const char *fields = strrchr(text, ')'); /* The name before it may hold anything. */
  unsigned long long user = 0, system = 0;
  if (fields && sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                       &system) == 2) {
    double tick = 1e6 / (double)sysconf(_SC_CLK_TCK);
    result.user = (double)user * tick;
    result.system = (double)system * tick;
  }
  return result;
}

static inline cpu_time own_cpu(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (cpu_time){(double)use.ru_utime.tv_sec * 1e6 + (double)use.ru_utime.tv_usec,
                    (double)use.ru_stime.tv_sec * 1e6 + (double)use.ru_stime.tv_usec};
}

/* One window of measurement. */
typedef struct {
  int server_pid;
  uint64_t begin, end;
  cpu_time server_begin, server_end, client_begin, client_end;
  histogram latency;
} window;

static inline void window_begin(window *w) {
  w->begin = now_ns();
  w->server_begin = process_cpu(w->server_pid);
  w->client_begin = own_cpu();
}

static inline void window_end(window *w) {
  w->client_end = own_cpu();
  w->server_end = process_cpu(w->server_pid);
  w->end = now_ns();
}

/* One JSON line. `more` is empty or further members, each after a comma. */
static inline void window_print(const window *w, int conns, int out, const char *more) {
  double secs = (double)(w->end - w->begin) / 1e9;
  double calls = w->latency.count ? (double)w->latency.count : 1;
  double user = w->server_end.user - w->server_begin.user;
  double system = w->server_end.system - w->server_begin.system;
  double client = w->client_end.user - w->client_begin.user + w->client_end.system -
                  w->client_begin.system;
  printf("{\"conns\":%d,\"out\":%d,\"secs\":%.3f,\"calls\":%llu,\"rate\":%.0f,", conns, out, secs,
         (unsigned long long)w->latency.count, (double)w->latency.count / secs);
  printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"client_us\":%.3f",
         histogram_quantile(&w->latency, .5), histogram_quantile(&w->latency, .99),
         (double)w->latency.max / 1e3, client / calls);
  if (w->server_pid)
    printf(",\"server_us\":%.3f,\"user_us\":%.3f,\"system_us\":%.3f,\"server_cores\":%.2f",
           (user + system) / calls, user / calls, system / calls, (user + system) / secs / 1e6);
  printf("%s}\n", more);
  fflush(stdout);
}
#endif
