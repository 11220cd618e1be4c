/* The trace that the library writes, for the tests that read it. The library itself has no functions
 * to call: it is loaded with LD_PRELOAD and stands in front of the C library's. */
#ifndef FAULTY_DISK_H
#define FAULTY_DISK_H

#include <stdint.h>

/* What a record of the trace is about. Those below FD_CALL_ONLY change what a disk holds; the others
 * are there to be counted. */
enum faulty_disk_kind {
    FD_OPEN = 1,      /* path; handle; value: the flags */
    FD_WRITE,         /* handle, offset, data */
    FD_TRUNCATE,      /* handle; offset: the size */
    FD_ALLOCATE,      /* handle; offset: the size that the file has at least */
    FD_SYNC_BEGIN,    /* handle */
    FD_SYNC_END,      /* handle; value: 0 or the error's number */
    FD_RENAME,        /* path to path2 */
    FD_LINK,          /* path to path2 */
    FD_UNLINK,        /* path */
    FD_MKDIR,         /* path */
    FD_RMDIR,         /* path */
    FD_CALL_ONLY,
    FD_CALL = FD_CALL_ONLY, /* path: the call's name and file; value: the error injected, or 0 */
};

/* Followed by the bytes of both paths and of the data. All numbers are little-endian. */
struct faulty_disk_record {
    uint32_t kind;
    uint32_t value;
    uint64_t handle; /* of one open, unique in the process */
    uint64_t offset;
    uint32_t path_length;
    uint32_t path2_length;
    uint64_t data_length;
};

#endif
