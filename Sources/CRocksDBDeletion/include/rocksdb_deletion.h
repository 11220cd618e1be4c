// What RocksDB's C API leaves out of slow deletion, https://github.com/facebook/rocksdb/wiki/Slow-Deletion.
// Imported by AtomicStateStorage alone.
#pragma once
#include <rocksdb/c.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Has files that are of no more use given back to the file system in pieces: by a thread of their own, under
// names that end in ".trash". What is left when the database is closed goes on when it is opened again.
//
// - bytes_per_second: of all files together; greater than 0.
// - piece_byte_count: given back at once; greater than 0.
// - waiting_share_max: a file goes at once if what waits is more than this multiple of what tables hold.
void rocksdb_options_set_slow_deletion(rocksdb_options_t *options, int64_t bytes_per_second,
                                       uint64_t piece_byte_count, double waiting_share_max);

#ifdef __cplusplus
}
#endif
