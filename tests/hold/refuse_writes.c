/* Loaded into the program (LD_PRELOAD). While the file that HOLD_READ_ONLY names is there, whatever lies in the
   folder HOLD_FOLDER cannot be written: EROFS, as from a file system that the kernel has made read-only after
   an error. No remount can stand in for it: the kernel refuses one while a file is open for writing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refused(const char *path) {
    const char *mark = getenv("HOLD_READ_ONLY"), *folder = getenv("HOLD_FOLDER");
    return mark && folder && strncmp(path, folder, strlen(folder)) == 0 && access(mark, F_OK) == 0;
}

static int refused_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return refused(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL return (errno = EROFS, -1)

#define OPEN(name)                                                                   \
    int name(const char *path, int flags, ...) {                                     \
        va_list more;                                                                \
        va_start(more, flags);                                                       \
        mode_t mode = va_arg(more, mode_t);                                          \
        va_end(more);                                                                \
        if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && refused(path)) FAIL;          \
        return NEXT(name)(path, flags, mode);                                        \
    }
OPEN(open)
OPEN(open64)

#define WRITE(name, off)                                                             \
    ssize_t name(int fd, const void *bytes, size_t count, off at) {                  \
        if (refused_fd(fd)) FAIL;                                                    \
        return NEXT(name)(fd, bytes, count, at);                                     \
    }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)

#define TRUNCATE(name, off)                                                          \
    int name(int fd, off length) {                                                   \
        if (refused_fd(fd)) FAIL;                                                    \
        return NEXT(name)(fd, length);                                               \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

ssize_t write(int fd, const void *bytes, size_t count) {
    if (refused_fd(fd)) FAIL;
    return NEXT(write)(fd, bytes, count);
}
