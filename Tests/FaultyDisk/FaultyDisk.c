/* Stands between a process and its files, for what happens below one folder:
 *
 *     FAULTY_DISK_FOLDER   the folder; nothing else is touched
 *     FAULTY_DISK_TRACE    a file to which every change and every sync is appended, see FaultyDisk.h
 *     FAULTY_DISK_FAULT    CALL:N:ERROR[:always]  the Nth call of that name, from 1, fails with that
 *                          errno, once or from then on; ERROR "short" writes half of the bytes
 *
 * A change is made and noted under one lock, so that the trace has the order in which they happened.
 * The note follows the change: a process killed in between leaves a trace that is one change short,
 * which is what a disk may look like as well. A sync runs outside of the lock, with a note before and
 * one behind it: it covers what was noted before its first note. A write that is a sync too is made and
 * noted as both. */

#define _GNU_SOURCE
#include "FaultyDisk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTOR_COUNT = 1 << 16, NAME_LENGTH = 256, SHORT_WRITE = -1, PART_COUNT = 64 };

static struct {
    uint64_t handle;
    char path[NAME_LENGTH];
} files[DESCRIPTOR_COUNT];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_handle;
static const char *folder;
static size_t folder_length;
static int trace = -1;
static struct {
    char call[32];
    long number;
    int error;
    int always;
    long count;
} fault;

/* The function behind ours. */
#define REAL(name)                                                                                   \
    static __typeof__(&name) real;                                                                   \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULTY_DISK_FOLDER");
    if (!path) return;
    folder = strdup(path);
    folder_length = strlen(folder);
    const char *text = getenv("FAULTY_DISK_FAULT");
    char error[16] = "", always[16] = "";
    if (text && sscanf(text, "%31[^:]:%ld:%15[^:]:%15s", fault.call, &fault.number, error, always) < 3) {
        fprintf(stderr, "FAULTY_DISK_FAULT: expected CALL:N:ERROR, found %s\n", text);
        abort();
    }
    fault.error = strcmp(error, "short") == 0 ? SHORT_WRITE : atoi(error);
    fault.always = strcmp(always, "always") == 0;
    path = getenv("FAULTY_DISK_TRACE");
    if (!path) return;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) abort();
    trace = descriptor;
}

static int is_inside(const char *path) {
    return folder && strncmp(path, folder, folder_length) == 0
        && (path[folder_length] == '/' || path[folder_length] == 0);
}

/* The handle of a descriptor; 0 for one that is none of ours. */
static uint64_t handle_of(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTOR_COUNT ? files[descriptor].handle : 0;
}

static void note(struct faulty_disk_record record, const char *path, const char *path2,
                 const void *data) {
    if (trace < 0) return;
    record.path_length = path ? strlen(path) : 0;
    record.path2_length = path2 ? strlen(path2) : 0;
    struct iovec parts[] = {
        {&record, sizeof record},
        {(void *)path, record.path_length},
        {(void *)path2, record.path2_length},
        {(void *)data, record.data_length},
    };
    REAL(writev);
    size_t length = 0;
    for (int i = 0; i < 4; i++) length += parts[i].iov_len;
    /* A trace that lacks something would prove nothing. */
    if (real(trace, parts, 4) != (ssize_t)length) abort();
}

/* Counts a call, and says whether it has to fail: the errno, SHORT_WRITE, or 0. */
static int injected(const char *call, const char *path) {
    int saved = errno;
    int error = 0;
    pthread_mutex_lock(&lock);
    if (strcmp(call, fault.call) == 0) {
        fault.count++;
        if (fault.count == fault.number || (fault.always && fault.count > fault.number))
            error = fault.error;
    }
    char text[NAME_LENGTH + 32];
    snprintf(text, sizeof text, "%s %s", call, path);
    note((struct faulty_disk_record){.kind = FD_CALL, .value = error}, text, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return error;
}

#define FAIL_WITH(error)                                                                             \
    do {                                                                                             \
        errno = error;                                                                               \
        return -1;                                                                                   \
    } while (0)

#define FAIL_IF_INJECTED(call, path)                                                                 \
    do {                                                                                             \
        int error = injected(call, path);                                                            \
        if (error) FAIL_WITH(error);                                                                 \
    } while (0)

static int note_open(int descriptor, const char *path, int flags) {
    if (descriptor < 0 || descriptor >= DESCRIPTOR_COUNT) return descriptor;
    files[descriptor].handle = ++last_handle;
    snprintf(files[descriptor].path, NAME_LENGTH, "%s", path);
    note((struct faulty_disk_record){.kind = FD_OPEN, .handle = last_handle, .value = flags}, path,
         NULL, NULL);
    return descriptor;
}

#define OPEN(name)                                                                                   \
    int name(const char *path, int flags, ...) {                                                     \
        va_list arguments;                                                                           \
        va_start(arguments, flags);                                                                  \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;                 \
        va_end(arguments);                                                                           \
        REAL(name);                                                                                  \
        if (!is_inside(path)) return real(path, flags, mode);                                        \
        FAIL_IF_INJECTED("open", path);                                                              \
        pthread_mutex_lock(&lock);                                                                   \
        int descriptor = note_open(real(path, flags, mode), path, flags);                            \
        pthread_mutex_unlock(&lock);                                                                 \
        return descriptor;                                                                           \
    }

OPEN(open)
OPEN(open64)

int close(int descriptor) {
    REAL(close);
    if (!handle_of(descriptor)) return real(descriptor);
    int error = injected("close", files[descriptor].path);
    pthread_mutex_lock(&lock);
    files[descriptor].handle = 0;
    int result = real(descriptor);
    pthread_mutex_unlock(&lock);
    if (error) {
        errno = error;
        return -1;
    }
    return result;
}

/* RocksDB wraps descriptors that it opened to read from its beginning to its end. */
int fclose(FILE *file) {
    REAL(fclose);
    int descriptor = fileno(file);
    pthread_mutex_lock(&lock);
    if (handle_of(descriptor)) files[descriptor].handle = 0;
    int result = real(file);
    pthread_mutex_unlock(&lock);
    return result;
}

static void note_write(int descriptor, off_t offset, const void *data, ssize_t length) {
    if (length <= 0) return;
    note((struct faulty_disk_record){.kind = FD_WRITE, .handle = handle_of(descriptor),
                                     .offset = offset, .data_length = length},
         NULL, NULL, data);
}

static void note_sync(enum faulty_disk_kind kind, uint64_t handle, int error) {
    note((struct faulty_disk_record){.kind = kind, .handle = handle, .value = error}, NULL, NULL, NULL);
}

ssize_t write(int descriptor, const void *data, size_t length) {
    REAL(write);
    if (!handle_of(descriptor)) return real(descriptor, data, length);
    int error = injected("write", files[descriptor].path);
    if (error > 0) FAIL_WITH(error);
    if (error == SHORT_WRITE && length > 1) length /= 2;
    pthread_mutex_lock(&lock);
    ssize_t written = real(descriptor, data, length);
    note_write(descriptor, lseek(descriptor, 0, SEEK_CUR) - written, data, written);
    pthread_mutex_unlock(&lock);
    return written;
}

#define PWRITE(name)                                                                                 \
    ssize_t name(int descriptor, const void *data, size_t length, off_t offset) {                    \
        REAL(name);                                                                                  \
        if (!handle_of(descriptor)) return real(descriptor, data, length, offset);                   \
        int error = injected("pwrite", files[descriptor].path);                                      \
        if (error > 0) FAIL_WITH(error);                                                             \
        if (error == SHORT_WRITE && length > 1) length /= 2;                                         \
        pthread_mutex_lock(&lock);                                                                   \
        ssize_t written = real(descriptor, data, length, offset);                                    \
        note_write(descriptor, offset, data, written);                                               \
        pthread_mutex_unlock(&lock);                                                                 \
        return written;                                                                              \
    }

PWRITE(pwrite)
PWRITE(pwrite64)

/* Cuts the parts to half of their bytes, but not to none. Returns how many are left. */
static int halve(struct iovec *parts, int count) {
    size_t left = 0;
    for (int i = 0; i < count; i++) left += parts[i].iov_len;
    left = (left + 1) / 2;
    for (int i = 0; i < count; i++) {
        if (left <= parts[i].iov_len) {
            parts[i].iov_len = left;
            return i + 1;
        }
        left -= parts[i].iov_len;
    }
    return count;
}

/* Of RocksDB's logs. With RWF_DSYNC it ends when the bytes are durable. */
#define PWRITEV2(name)                                                                               \
    ssize_t name(int descriptor, const struct iovec *parts, int count, off_t offset, int flags) {    \
        REAL(name);                                                                                  \
        uint64_t handle = handle_of(descriptor);                                                     \
        if (!handle) return real(descriptor, parts, count, offset, flags);                           \
        int error = injected("pwritev2", files[descriptor].path);                                    \
        if (error > 0) FAIL_WITH(error);                                                             \
        if (count > PART_COUNT) abort();                                                             \
        struct iovec copies[PART_COUNT];                                                             \
        memcpy(copies, parts, count * sizeof *parts);                                                \
        if (error == SHORT_WRITE) count = halve(copies, count);                                      \
        pthread_mutex_lock(&lock);                                                                   \
        ssize_t written = real(descriptor, copies, count, offset, flags);                            \
        ssize_t left = written;                                                                      \
        for (int i = 0; i < count && left > 0; i++) {                                                \
            ssize_t length = left < (ssize_t)copies[i].iov_len ? left : (ssize_t)copies[i].iov_len;  \
            note_write(descriptor, offset + written - left, copies[i].iov_base, length);             \
            left -= length;                                                                          \
        }                                                                                            \
        if (written > 0 && flags & RWF_DSYNC) {                                                      \
            note_sync(FD_SYNC_BEGIN, handle, 0);                                                     \
            note_sync(FD_SYNC_END, handle, 0);                                                       \
        }                                                                                            \
        pthread_mutex_unlock(&lock);                                                                 \
        return written;                                                                              \
    }

PWRITEV2(pwritev2)
PWRITEV2(pwritev64v2)

/* Used on none of these files: a trace without it would be wrong. */
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    REAL(writev);
    if (handle_of(descriptor)) abort();
    return real(descriptor, parts, count);
}

#define UNUSED_PWRITEV(name)                                                                         \
    ssize_t name(int descriptor, const struct iovec *parts, int count, off_t offset) {               \
        REAL(name);                                                                                  \
        if (handle_of(descriptor)) abort();                                                          \
        return real(descriptor, parts, count, offset);                                               \
    }

UNUSED_PWRITEV(pwritev)
UNUSED_PWRITEV(pwritev64)

#define PREAD(name)                                                                                  \
    ssize_t name(int descriptor, void *data, size_t length, off_t offset) {                          \
        REAL(name);                                                                                  \
        if (handle_of(descriptor)) FAIL_IF_INJECTED("pread", files[descriptor].path);                \
        return real(descriptor, data, length, offset);                                               \
    }

PREAD(pread)
PREAD(pread64)

#define SYNC(name)                                                                                   \
    int name(int descriptor) {                                                                       \
        REAL(name);                                                                                  \
        uint64_t handle = handle_of(descriptor);                                                     \
        if (!handle) return real(descriptor);                                                        \
        int error = injected(#name, files[descriptor].path);                                         \
        pthread_mutex_lock(&lock);                                                                   \
        note_sync(FD_SYNC_BEGIN, handle, 0);                                                         \
        pthread_mutex_unlock(&lock);                                                                 \
        int result = error ? -1 : real(descriptor);                                                  \
        if (!error && result) error = errno;                                                         \
        pthread_mutex_lock(&lock);                                                                   \
        note_sync(FD_SYNC_END, handle, error);                                                       \
        pthread_mutex_unlock(&lock);                                                                 \
        errno = error;                                                                               \
        return result;                                                                               \
    }

SYNC(fsync)
SYNC(fdatasync)

/* No promise of durability: it only fails on demand. */
int sync_file_range(int descriptor, off_t offset, off_t length, unsigned flags) {
    REAL(sync_file_range);
    if (handle_of(descriptor)) FAIL_IF_INJECTED("sync_file_range", files[descriptor].path);
    return real(descriptor, offset, length, flags);
}

#define FTRUNCATE(name)                                                                              \
    int name(int descriptor, off_t size) {                                                           \
        REAL(name);                                                                                  \
        uint64_t handle = handle_of(descriptor);                                                     \
        if (!handle) return real(descriptor, size);                                                  \
        FAIL_IF_INJECTED("ftruncate", files[descriptor].path);                                       \
        pthread_mutex_lock(&lock);                                                                   \
        int result = real(descriptor, size);                                                         \
        if (result == 0)                                                                             \
            note((struct faulty_disk_record){.kind = FD_TRUNCATE, .handle = handle, .offset = size}, \
                 NULL, NULL, NULL);                                                                  \
        pthread_mutex_unlock(&lock);                                                                 \
        return result;                                                                               \
    }

FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
    REAL(fallocate);
    uint64_t handle = handle_of(descriptor);
    if (!handle) return real(descriptor, mode, offset, length);
    FAIL_IF_INJECTED("fallocate", files[descriptor].path);
    pthread_mutex_lock(&lock);
    int result = real(descriptor, mode, offset, length);
    /* Space beyond the end changes nothing that can be read. */
    if (result == 0 && !(mode & FALLOC_FL_KEEP_SIZE))
        note((struct faulty_disk_record){.kind = FD_ALLOCATE, .handle = handle,
                                         .offset = offset + length},
             NULL, NULL, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}

/* Returns an error's number instead of setting errno. */
int posix_fallocate(int descriptor, off_t offset, off_t length) {
    if (handle_of(descriptor)) return fallocate(descriptor, 0, offset, length) ? errno : 0;
    REAL(posix_fallocate);
    return real(descriptor, offset, length);
}

#define ON_TWO_PATHS(name, kind_)                                                                    \
    int name(const char *path, const char *path2) {                                                  \
        REAL(name);                                                                                  \
        if (!is_inside(path) && !is_inside(path2)) return real(path, path2);                         \
        FAIL_IF_INJECTED(#name, path2);                                                              \
        pthread_mutex_lock(&lock);                                                                   \
        int result = real(path, path2);                                                              \
        if (result == 0) note((struct faulty_disk_record){.kind = kind_}, path, path2, NULL);        \
        pthread_mutex_unlock(&lock);                                                                 \
        return result;                                                                               \
    }

ON_TWO_PATHS(rename, FD_RENAME)
ON_TWO_PATHS(link, FD_LINK)

#define ON_PATH(name, kind_)                                                                         \
    int name(const char *path) {                                                                     \
        REAL(name);                                                                                  \
        if (!is_inside(path)) return real(path);                                                     \
        FAIL_IF_INJECTED(#name, path);                                                               \
        pthread_mutex_lock(&lock);                                                                   \
        int result = real(path);                                                                     \
        if (result == 0) note((struct faulty_disk_record){.kind = kind_}, path, NULL, NULL);         \
        pthread_mutex_unlock(&lock);                                                                 \
        return result;                                                                               \
    }

ON_PATH(unlink, FD_UNLINK)
ON_PATH(rmdir, FD_RMDIR)

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    if (!is_inside(path)) return real(path, mode);
    FAIL_IF_INJECTED("mkdir", path);
    pthread_mutex_lock(&lock);
    int result = real(path, mode);
    if (result == 0) note((struct faulty_disk_record){.kind = FD_MKDIR}, path, NULL, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}
