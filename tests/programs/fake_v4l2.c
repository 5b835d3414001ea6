/* A camera at /dev/video0 for whatever program this is preloaded into (LD_PRELOAD).
 *
 * It shows the files 0, 1, 2, … of a folder in turn, as they are, so that a test
 * decides what a picture's bytes look like. Frame n is taken n periods after the stream
 * was switched on; who asks late gets the newest one. All is said in the environment,
 * which is looked at each time, so that the program can change it:
 *
 *   FAKE_V4L2_FOLDER   the folder                     FAKE_V4L2_FORMAT  such as YUYV
 *   FAKE_V4L2_WIDTH, _HEIGHT, _STRIDE, _FPS           in pixels, and bytes a row
 *   FAKE_V4L2_UNPLUG   after so many frames it is gone
 *   FAKE_V4L2_HANG     after so many frames none is ever ready again
 *   FAKE_V4L2_OPEN     errno of opening it            FAKE_V4L2_BUSY    errno of using it
 *   FAKE_V4L2_CODEC    it is no camera                FAKE_V4L2_REALTIME its clock
 *   FAKE_V4L2_LOG      file that gets the time of each frame, in microseconds
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define BUFFERS 8
#define MOST_BYTES (4 << 20)
#define MOST_FDS 4096

static char is_ours[MOST_FDS];
static int opened;
static int memory = -1; /* what every open of the device shares */
static uint8_t *buffers;
static unsigned queued[BUFFERS], queue_length, frames_given;
static uint64_t started_ns, last_frame, files;
static int is_streaming, is_gone;

static int number(const char *name, int otherwise) {
    const char *value = getenv(name);
    return value ? atoi(value) : otherwise;
}

static uint64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t period_ns(void) { return 1000000000u / (uint64_t)number("FAKE_V4L2_FPS", 100); }

static int refused(int error) {
    errno = error;
    return -1;
}

static int open_device(int flags) {
    if (!opened) frames_given = files = is_gone = 0; /* plugged in again */
    int error = number("FAKE_V4L2_OPEN", is_gone ? ENODEV : 0);
    if (error) return refused(error);
    if (memory < 0) {
        memory = memfd_create("fake-camera", MFD_CLOEXEC);
        if (memory < 0 || ftruncate(memory, (off_t)MOST_BYTES * BUFFERS)) return -1;
        buffers = mmap(NULL, (size_t)MOST_BYTES * BUFFERS, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    }
    int fd = fcntl(memory, flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 3);
    if (fd >= 0 && fd < MOST_FDS) is_ours[fd] = 1, opened++;
    return fd;
}

#define OPEN(name)                                                                 \
    int name(const char *path, int flags, ...) {                                   \
        static int (*real)(const char *, int, ...);                                \
        if (!strcmp(path, "/dev/video0")) return open_device(flags);       \
        mode_t mode = 0;                                                           \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                     \
            va_list rest;                                                          \
            va_start(rest, flags);                                                 \
            mode = va_arg(rest, mode_t);                                           \
            va_end(rest);                                                          \
        }                                                                          \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                 \
        return real(path, flags, mode);                                            \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd < MOST_FDS && is_ours[fd]) is_ours[fd] = 0, opened--;
    return real(fd);
}

static void set_format(struct v4l2_format *format) {
    struct v4l2_pix_format *pixels = &format->fmt.pix;
    const char *code = getenv("FAKE_V4L2_FORMAT");
    if (!code) code = "YUYV";
    memset(pixels, 0, sizeof *pixels);
    pixels->width = (unsigned)number("FAKE_V4L2_WIDTH", 64);
    pixels->height = (unsigned)number("FAKE_V4L2_HEIGHT", 48);
    pixels->pixelformat = v4l2_fourcc((unsigned)code[0], (unsigned)code[1], (unsigned)code[2], (unsigned)code[3]);
    pixels->field = V4L2_FIELD_NONE;
    pixels->bytesperline = (unsigned)number("FAKE_V4L2_STRIDE", (int)pixels->width * 2);
    pixels->sizeimage = MOST_BYTES;
    pixels->colorspace = V4L2_COLORSPACE_SRGB;
}

static void describe(struct v4l2_buffer *buffer, unsigned index) {
    buffer->index = index;
    buffer->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer->memory = V4L2_MEMORY_MMAP;
    buffer->length = MOST_BYTES;
    buffer->m.offset = index * MOST_BYTES;
    buffer->field = V4L2_FIELD_NONE;
}

/* Nanoseconds until a frame is ready: 0 now, -1 never. */
static int64_t wait_ns(void) {
    int hang = number("FAKE_V4L2_HANG", -1);
    if (!is_streaming || (hang >= 0 && frames_given >= (unsigned)hang)) return -1;
    if (is_gone) return 0;
    uint64_t due = started_ns + (last_frame + 1) * period_ns(), now = now_ns(CLOCK_MONOTONIC);
    return now >= due ? 0 : (int64_t)(due - now);
}

static FILE *open_picture(uint64_t index) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%llu", getenv("FAKE_V4L2_FOLDER"), (unsigned long long)index);
    return fopen(path, "rb");
}

static unsigned read_picture(uint8_t *into, uint64_t frame) {
    for (FILE *file; !files || (file = open_picture(files)); files++) /* count them once */
        if (files) fclose(file);
    FILE *file = open_picture(frame % files);
    if (!file) return 0;
    size_t length = fread(into, 1, MOST_BYTES, file);
    fclose(file);
    return (unsigned)length;
}

static int dequeue(struct v4l2_buffer *buffer) {
    int unplug = number("FAKE_V4L2_UNPLUG", -1);
    if (unplug >= 0 && frames_given >= (unsigned)unplug) is_gone = 1;
    if (is_gone) return refused(ENODEV);
    if (!queue_length || wait_ns() != 0) return refused(EAGAIN);
    unsigned index = queued[0];
    memmove(queued, queued + 1, --queue_length * sizeof *queued);
    last_frame = (now_ns(CLOCK_MONOTONIC) - started_ns) / period_ns();
    uint64_t taken_ns = started_ns + last_frame * period_ns();
    if (getenv("FAKE_V4L2_REALTIME")) taken_ns += now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
    describe(buffer, index);
    buffer->bytesused = read_picture(buffers + (size_t)index * MOST_BYTES, last_frame);
    buffer->sequence = (unsigned)last_frame;
    buffer->flags = V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->timestamp.tv_sec = (time_t)(taken_ns / 1000000000u);
    buffer->timestamp.tv_usec = (suseconds_t)(taken_ns / 1000 % 1000000);
    frames_given++;
    if (getenv("FAKE_V4L2_LOG")) {
        FILE *log = fopen(getenv("FAKE_V4L2_LOG"), "a");
        fprintf(log, "%llu\n", (unsigned long long)(taken_ns / 1000));
        fclose(log);
    }
    return 0;
}

static int control(unsigned long request, void *argument) {
    int busy = number("FAKE_V4L2_BUSY", 0);
    switch ((unsigned)request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *capability = argument;
        unsigned what = getenv("FAKE_V4L2_CODEC") ? V4L2_CAP_VIDEO_M2M : V4L2_CAP_VIDEO_CAPTURE;
        memset(capability, 0, sizeof *capability);
        strcpy((char *)capability->driver, "fake");
        strcpy((char *)capability->card, "Fake Camera");
        capability->device_caps = what | V4L2_CAP_STREAMING;
        capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_S_FMT:
        if (busy) return refused(busy);
        set_format(argument);
        return 0;
    case VIDIOC_G_FMT:
    case VIDIOC_TRY_FMT:
        set_format(argument);
        return 0;
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
        struct v4l2_streamparm *parameters = argument;
        parameters->parm.capture.timeperframe.numerator = 1;
        parameters->parm.capture.timeperframe.denominator = (unsigned)number("FAKE_V4L2_FPS", 100);
        return 0;
    }
    case VIDIOC_REQBUFS: {
        struct v4l2_requestbuffers *wanted = argument;
        if (wanted->count > BUFFERS) wanted->count = BUFFERS;
        queue_length = 0;
        return 0;
    }
    case VIDIOC_QUERYBUF:
        describe(argument, ((struct v4l2_buffer *)argument)->index);
        return 0;
    case VIDIOC_QBUF:
        if (queue_length >= BUFFERS) return refused(EINVAL);
        queued[queue_length++] = ((struct v4l2_buffer *)argument)->index;
        return 0;
    case VIDIOC_STREAMON:
        is_streaming = 1;
        last_frame = 0;
        started_ns = now_ns(CLOCK_MONOTONIC);
        return 0;
    case VIDIOC_STREAMOFF:
        is_streaming = 0;
        queue_length = 0;
        return 0;
    case VIDIOC_DQBUF:
        return dequeue(argument);
    default:
        return refused(ENOTTY);
    }
}

int ioctl(int fd, unsigned long request, ...) {
    static int (*real)(int, unsigned long, void *);
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (fd >= 0 && fd < MOST_FDS && is_ours[fd]) return control(request, argument);
    if (!real) real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, argument);
}

int select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout) {
    static int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
    if (!real) real = dlsym(RTLD_NEXT, "select");
    int is_device = read && timeout && count > 0 && count <= MOST_FDS && is_ours[count - 1] && FD_ISSET(count - 1, read);
    if (!is_device) return real(count, read, write, except, timeout);
    int64_t patience = timeout->tv_sec * 1000000000ll + timeout->tv_usec * 1000ll, wait = wait_ns();
    int comes = wait >= 0 && wait <= patience;
    int64_t sleep = comes ? wait : patience;
    struct timespec pause = {sleep / 1000000000ll, sleep % 1000000000ll};
    nanosleep(&pause, NULL);
    if (!comes) FD_ZERO(read);
    return comes;
}
