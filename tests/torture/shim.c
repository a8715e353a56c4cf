/* Counts the calls that change a folder, and lets the Nth one fail or be the process's last.
 *
 *   cc -shared -fPIC -o shim.so shim.c -ldl;  LD_PRELOAD=shim.so program
 *
 * The program arms it: arm("/the/folder", n, action). Calls elsewhere are not counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, FAIL_ONCE, FULL_FROM, KILL };

static char folder[4096];
static int target, action;
static int count;

void arm(const char *path, int n, int what) {
    snprintf(folder, sizeof folder, "%s", path);
    target = n, action = what, count = 0;
}

int calls(void) { return count; }

/* Whether this call is to fail, with errno set. A full disk still renames and deletes. */
static int fails(const char *path, int takes_space) {
    if (!folder[0] || strncmp(path, folder, strlen(folder))) return 0;
    int number = __sync_add_and_fetch(&count, 1);
    if (action == KILL && number == target) kill(getpid(), SIGKILL);
    if (action == FAIL_ONCE && number == target) return errno = EIO, 1;
    if (action == FULL_FROM && number >= target && takes_space) return errno = ENOSPC, 1;
    return 0;
}

static int fails_fd(int fd, int takes_space) {
    char link[64], path[4096];
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(path, takes_space);
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, #name)
#define BY_FD(type, name, space, parameters, arguments) \
    type name parameters { REAL(name); return fails_fd(fd, space) ? -1 : real arguments; }
#define BY_PATH(name, space, parameters, arguments) \
    int name parameters { REAL(name); return fails(path, space) ? -1 : real arguments; }

BY_FD(ssize_t, write, 1, (int fd, const void *data, size_t size), (fd, data, size))
BY_FD(ssize_t, writev, 1, (int fd, const struct iovec *parts, int number), (fd, parts, number))
BY_FD(ssize_t, pwrite64, 1, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
BY_FD(int, ftruncate64, 1, (int fd, off64_t size), (fd, size))
BY_FD(int, fsync, 0, (int fd), (fd))
BY_PATH(rename, 0, (const char *path, const char *to), (path, to))
BY_PATH(mkdir, 1, (const char *path, mode_t mode), (path, mode))
BY_PATH(unlink, 0, (const char *path), (path))
BY_FD(int, unlinkat, 0, (int fd, const char *path, int flags), (fd, path, flags))
BY_PATH(rmdir, 0, (const char *path), (path))

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return flags & O_CREAT && fails(path, 1) ? -1 : real(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)
