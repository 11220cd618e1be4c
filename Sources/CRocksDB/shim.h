// RocksDB's C API, of Debian's librocksdb-dev. Imported by AtomicStateStorage alone.
#include <rocksdb/c.h>
