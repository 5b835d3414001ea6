/* Lets libcamera allocate where the kernel has neither /dev/udmabuf nor a DMA heap:
 * preloaded (LD_PRELOAD), both exist, and a buffer is ordinary shared memory. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOT_OURS, HEAP, UDMABUF };
#define MOST_FDS 4096
static char kinds[MOST_FDS];

static int kind_of(const char *path) {
    if (!strcmp(path, "/dev/udmabuf")) return UDMABUF;
    return strncmp(path, "/dev/dma_heap/", 14) ? NOT_OURS : HEAP;
}

#define OPEN(name)                                                 \
    int name(const char *path, int flags, ...) {                   \
        static int (*real)(const char *, int, ...);                \
        int kind = kind_of(path);                                  \
        if (kind != NOT_OURS) {                                    \
            int fd = memfd_create("fake-dma", MFD_CLOEXEC);        \
            if (fd >= 0 && fd < MOST_FDS) kinds[fd] = (char)kind;  \
            return fd;                                             \
        }                                                          \
        mode_t mode = 0;                                           \
        if (flags & (O_CREAT | __O_TMPFILE)) {                     \
            va_list rest;                                          \
            va_start(rest, flags);                                 \
            mode = va_arg(rest, mode_t);                           \
            va_end(rest);                                          \
        }                                                          \
        if (!real) real = dlsym(RTLD_NEXT, #name);                 \
        return real(path, flags, mode);                            \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd < MOST_FDS) kinds[fd] = NOT_OURS;
    return real(fd);
}

static int allocate(struct dma_heap_allocation_data *wanted) {
    int fd = memfd_create("fake-dma-buffer", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)wanted->len)) return -1;
    wanted->fd = (unsigned)fd;
    return 0;
}

int ioctl(int fd, unsigned long request, ...) {
    static int (*real)(int, unsigned long, void *);
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    int kind = fd >= 0 && fd < MOST_FDS ? kinds[fd] : NOT_OURS;
    if (kind == HEAP && request == DMA_HEAP_IOCTL_ALLOC) return allocate(argument);
    if (kind == UDMABUF && request == UDMABUF_CREATE)
        return fcntl((int)((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 0);
    if (_IOC_TYPE(request) == DMA_BUF_BASE) return 0; /* nothing to synchronise or to name */
    if (!real) real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, argument);
}
