/* Counts how often a process asks for memory: a library for LD_PRELOAD. The count is a 64-bit
 * number in native order at the start of the file that HOMING_MALLOC_COUNT names, mapped and kept
 * up to date, so that it can be read at any moment; it begins at 0 for each process. `free` is not
 * counted: what is freed was asked for.
 *
 * The calls go on to the names by which glibc exports its own functions. Looking them up with
 * dlsym could itself ask for memory and come back here. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static uint64_t unmapped; /* counts until the file is mapped */
static uint64_t *counter = &unmapped;

/* Runs before the process has a second thread, so that `counter` changes unseen. */
__attribute__((constructor)) static void map_counter(void) {
  const char *path = getenv("HOMING_MALLOC_COUNT");
  int file = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
  if (file < 0 || ftruncate(file, sizeof unmapped)) abort();
  void *shared = mmap(NULL, sizeof unmapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared == MAP_FAILED) abort();
  counter = shared;
  *counter = unmapped;
}

static inline void count(void) { __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  count();
  if (alignment < sizeof(void *) || (alignment & (alignment - 1))) return EINVAL;
  int before = errno; /* The result says it; errno stays as it was. */
  void *block = __libc_memalign(alignment, size);
  errno = before;
  if (!block) return ENOMEM;
  *memory = block;
  return 0;
}
