#include "rocksdb_deletion.h"

#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_manager.h>

// As in RocksDB's c.cc, which does not publish it.
struct rocksdb_options_t {
  rocksdb::Options rep;
};

void rocksdb_options_set_slow_deletion(rocksdb_options_t *options, int64_t bytes_per_second,
                                       uint64_t piece_byte_count, double waiting_share_max) {
  options->rep.sst_file_manager.reset(rocksdb::NewSstFileManager(
      rocksdb::Env::Default(), /*info_log=*/nullptr, /*trash_dir=*/"", bytes_per_second,
      /*delete_existing_trash=*/true, /*status=*/nullptr, waiting_share_max, piece_byte_count));
}
