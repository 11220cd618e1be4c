// What RocksDB's C API leaves out. Imported by AtomicStateStorage alone.
#pragma once
#include <rocksdb/c.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Write-ahead logs in files of a kind of their own. The blocks of a file that is new have to be marked as written when they
// are synced first, which takes the disk a write more for each commit. So a log that is of no more use is kept as a spare,
// under a name that ends in ".spare", and the next log is written over it from its beginning on. What is written of
// it is followed by ROCKSDB_LOG_END_MARK, and that by remains of the former log, which are not to be read: before RocksDB
// opens a log, its end has to be found, and the file cut short there or the end told. In the manifest too each record is synced
// before the next begins.
typedef struct rocksdb_log_files_t rocksdb_log_files_t;

// Not the beginning of a record: it would be of a type 'd'.
#define ROCKSDB_LOG_END_MARK "log end\n"

// - spare_byte_count_max: of all spares together.
//
// To be destroyed after the database is closed.
rocksdb_log_files_t *rocksdb_log_files_create(uint64_t spare_byte_count_max);
void rocksdb_log_files_destroy(rocksdb_log_files_t *files);
void rocksdb_options_set_log_files(rocksdb_options_t *options, rocksdb_log_files_t *files);

// Takes up the spares that a folder holds, before a database in it is opened.
void rocksdb_log_files_adopt_spares(rocksdb_log_files_t *files, const char *folder);

// A log, by its name in its folder, is read so far only. Before the database is opened.
void rocksdb_log_files_set_end(rocksdb_log_files_t *files, const char *name, uint64_t byte_count);

// Has files that are of no more use given back to the file system in pieces, by a thread of their own, under
// names that end in ".trash" (https://github.com/facebook/rocksdb/wiki/Slow-Deletion). What is left when the
// database is closed goes on when it is opened again.
//
// - logs: where logs are kept instead.
// - bytes_per_second_min: of all files together; greater than 0. At this rate too what was left by the last time.
// - seconds: the rate follows what waits, so that it goes in about so long; greater than 0.
// - piece_byte_count: given back at once; greater than 0.
// - waiting_share_max: a file goes at once if what waits is more than this multiple of what tables hold.
void rocksdb_options_set_slow_deletion(rocksdb_options_t *options, rocksdb_log_files_t *logs,
                                       int64_t bytes_per_second_min, int64_t seconds,
                                       uint64_t piece_byte_count, double waiting_share_max);

// Limits how fast memtables are written out (https://github.com/facebook/rocksdb/wiki/Rate-Limiter), as long as no
// writer has to wait for them. Compactions are not limited.
typedef struct rocksdb_flush_limiter_t rocksdb_flush_limiter_t;

// A limiter that lets everything pass at first. To be destroyed after use, in any order with the options.
// - bytes_per_second_min: a lower limit is taken for this one; at least 1 MiB.
rocksdb_flush_limiter_t *rocksdb_flush_limiter_create(int64_t bytes_per_second_min);
void rocksdb_flush_limiter_destroy(rocksdb_flush_limiter_t *limiter);
void rocksdb_options_set_flush_limiter(rocksdb_options_t *options, rocksdb_flush_limiter_t *limiter);

// At any time and on any thread.
void rocksdb_flush_limiter_set_bytes_per_second(rocksdb_flush_limiter_t *limiter, int64_t bytes_per_second);

// Counts the times that RocksDB began to slow writers down, or stopped them
// (https://github.com/facebook/rocksdb/wiki/Write-Stalls).
typedef struct rocksdb_stall_counter_t rocksdb_stall_counter_t;

// To be destroyed after use, in any order with the options.
rocksdb_stall_counter_t *rocksdb_stall_counter_create(void);
void rocksdb_stall_counter_destroy(rocksdb_stall_counter_t *counter);
void rocksdb_options_add_stall_counter(rocksdb_options_t *options, rocksdb_stall_counter_t *counter);

// At any time and on any thread.
uint64_t rocksdb_stall_counter_count(const rocksdb_stall_counter_t *counter);

// CRC-32C (Castagnoli): https://datatracker.ietf.org/doc/html/rfc3720#appendix-B.4. As RocksDB computes it.
uint32_t rocksdb_crc32c(const void *bytes, size_t byte_count);

// Of bytes that follow on others with a checksum.
uint32_t rocksdb_crc32c_extend(uint32_t checksum, const void *bytes, size_t byte_count);

#ifdef __cplusplus
}
#endif
