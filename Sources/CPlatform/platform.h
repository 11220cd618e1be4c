// What Swift has no name for.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
// Some versions define sched_param as <sched.h> does.
#define sched_param kernel_sched_param
#include <linux/sched/types.h>
#undef sched_param

// Asks the processor to bring the cache line at an address near, without waiting for it. Imported by
// AtomicStateEngine alone.
static inline void prefetch(const void *address) {
    __builtin_prefetch(address);
}

// Where bytes begin that contain others; NULL if they do not. In linear time. Imported by AtomicStateEngine alone.
static inline const void *find_bytes(const void *bytes, size_t count, const void *part, size_t part_count) {
    extern void *memmem(const void *, size_t, const void *, size_t);
    return memmem(bytes, count, part, part_count);
}

// Gives the calling thread time slices of so many nanoseconds, 100,000 to 100,000,000; -1 and errno if the
// kernel has no such call. Without effect before Linux 6.12. Imported by AtomicStateServer alone.
static inline int set_time_slice(uint64_t nanoseconds) {
    struct sched_attr attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return -1;
    attributes.sched_runtime = nanoseconds;
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// Keeps the calling thread on one processor of those that it may run on, which are stored; -1 if it may not run on
// that one, or if they can't be told. Imported by AtomicStateServer alone.
static inline int keep_on_processor(int processor, cpu_set_t *processors) {
    if (sched_getaffinity(0, sizeof *processors, processors) != 0) return -1;
    if (processor < 0 || processor >= CPU_SETSIZE || !CPU_ISSET(processor, processors)) return -1;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    return sched_setaffinity(0, sizeof one, &one);
}

// A new file without a name in a folder, written past the page cache; -1 and errno if the file system has
// no such files. Imported by AtomicStateStorage alone.
static inline int open_unnamed_direct(const char *folder) {
    return open(folder, O_TMPFILE | O_DIRECT | O_WRONLY | O_CLOEXEC, 0600);
}
