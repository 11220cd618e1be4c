// What Swift has no name for.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/sched/types.h>

// Asks the processor to bring the cache line at an address near, without waiting for it. Imported by
// AtomicStateEngine alone.
static inline void prefetch(const void *address) {
    __builtin_prefetch(address);
}

// Gives the calling thread time slices of so many nanoseconds, 100,000 to 100,000,000; -1 and errno if the
// kernel has no such call. Without effect before Linux 6.12. Imported by AtomicStateServer alone.
static inline int set_time_slice(uint64_t nanoseconds) {
    struct sched_attr attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return -1;
    attributes.sched_runtime = nanoseconds;
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// A new file without a name in a folder, written past the page cache; -1 and errno if the file system has
// no such files. Imported by AtomicStateStorage alone.
static inline int open_unnamed_direct(const char *folder) {
    return open(folder, O_TMPFILE | O_DIRECT | O_WRONLY | O_CLOEXEC, 0600);
}
