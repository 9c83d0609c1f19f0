/*
 * A disk that forgets: preloaded into a process, it keeps a second copy of one file (SHIM_FILE), at SHIM_DURABLE, to
 * which only what was flushed gets: ranges written since, when fdatasync or fsync is called; a write at once, when its
 * descriptor was opened with O_DSYNC. With SHIM_SURVIVES above 0, writes reach the copy at once with that probability,
 * as a real disk's cache may write back what nobody asked for. After the process is killed, the copy is what a loss
 * of power could have left.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FD 4096

struct range {
  off_t start;
  size_t length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char tracked[MAX_FD], synchronous[MAX_FD];
static struct range *pending;
static size_t pending_count, pending_room;
static int durable = -1;
static double survives;
static unsigned seed;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_ftruncate)(int, off_t);

__attribute__((constructor)) static void prepare(void) {
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  const char *path = getenv("SHIM_DURABLE");
  if (path) durable = real_open(path, O_RDWR | O_CLOEXEC);
  survives = getenv("SHIM_SURVIVES") ? atof(getenv("SHIM_SURVIVES")) : 0;
  seed = getenv("SHIM_SEED") ? (unsigned)atoi(getenv("SHIM_SEED")) : 1;
}

static int is_tracked(int fd) { return fd >= 0 && fd < MAX_FD && tracked[fd]; }

/* Copies a range of the file, as it is now, to the durable copy. Called with the lock held. */
static void keep(int fd, off_t start, size_t length) {
  char path[64], buffer[65536];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int from = real_open(path, O_RDONLY | O_CLOEXEC);
  while (from >= 0 && length > 0) {
    ssize_t n = pread(from, buffer, length < sizeof buffer ? length : sizeof buffer, start);
    if (n <= 0) break;
    if (real_pwrite(durable, buffer, (size_t)n, start) != n) abort();
    start += n;
    length -= (size_t)n;
  }
  if (from >= 0) real_close(from);
}

static void wrote(int fd, off_t start, ssize_t length) {
  if (length <= 0) return;
  pthread_mutex_lock(&lock);
  if (synchronous[fd] || (survives > 0 && rand_r(&seed) < survives * RAND_MAX)) {
    keep(fd, start, (size_t)length);
  } else {
    if (pending_count == pending_room) {
      pending_room = pending_room ? 2 * pending_room : 1024;
      pending = realloc(pending, pending_room * sizeof *pending);
    }
    pending[pending_count++] = (struct range){start, (size_t)length};
  }
  pthread_mutex_unlock(&lock);
}

static void flushed(int fd, size_t count) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < count; i++) keep(fd, pending[i].start, pending[i].length);
  memmove(pending, pending + count, (pending_count - count) * sizeof *pending);
  pending_count -= count;
  pthread_mutex_unlock(&lock);
}

static int opened(const char *path, int flags, int fd) {
  const char *file = getenv("SHIM_FILE");
  char real[PATH_MAX];
  if (fd < 0 || fd >= MAX_FD || durable < 0 || !file || !realpath(path, real) || strcmp(real, file) != 0) return fd;
  tracked[fd] = 1;
  synchronous[fd] = (flags & O_DSYNC) != 0;
  return fd;
}

#define OPEN(name)                                              \
  int name(const char *path, int flags, ...) {                  \
    va_list arguments;                                          \
    va_start(arguments, flags);                                 \
    mode_t mode = flags & O_CREAT ? va_arg(arguments, int) : 0; \
    va_end(arguments);                                          \
    return opened(path, flags, real_open(path, flags, mode));   \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  if (is_tracked(fd)) tracked[fd] = synchronous[fd] = 0;
  return real_close(fd);
}

#define PWRITE(name)                                                              \
  ssize_t name(int fd, const void *data, size_t length, off_t offset) {           \
    ssize_t written = real_pwrite(fd, data, length, offset);                      \
    if (is_tracked(fd)) wrote(fd, offset, written);                               \
    return written;                                                               \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name)                                                             \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t offset) {      \
    ssize_t written = real_pwritev(fd, parts, count, offset);                     \
    if (is_tracked(fd)) wrote(fd, offset, written);                               \
    return written;                                                               \
  }
PWRITEV(pwritev)
PWRITEV(pwritev64)

ssize_t write(int fd, const void *data, size_t length) {
  off_t offset = is_tracked(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
  ssize_t written = real_write(fd, data, length);
  if (is_tracked(fd)) wrote(fd, offset, written);
  return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  off_t offset = is_tracked(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
  ssize_t written = real_writev(fd, parts, count);
  if (is_tracked(fd)) wrote(fd, offset, written);
  return written;
}

/* Only what was written before the call is sure to be flushed by it. */
#define SYNC(name, real)                                \
  int name(int fd) {                                    \
    pthread_mutex_lock(&lock);                          \
    size_t count = pending_count;                       \
    pthread_mutex_unlock(&lock);                        \
    int result = real(fd);                              \
    if (is_tracked(fd) && result == 0) flushed(fd, count); \
    return result;                                      \
  }
SYNC(fdatasync, real_fdatasync)
SYNC(fsync, real_fsync)

#define TRUNCATE(name)                                            \
  int name(int fd, off_t length) {                                \
    int result = real_ftruncate(fd, length);                      \
    if (is_tracked(fd) && result == 0) real_ftruncate(durable, length); \
    return result;                                                \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)
