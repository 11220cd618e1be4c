#pragma once
#include <rocksdb/options.h>

// As in RocksDB's c.cc, which does not publish it.
struct rocksdb_options_t {
  rocksdb::Options rep;
};
