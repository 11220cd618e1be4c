#include "rocksdb_additions.h"

#include <cstring>

#if defined(__x86_64__)
#include <dlfcn.h>
#include <nmmintrin.h>
#endif

namespace rocksdb::crc32c {

// RocksDB's own, which its headers do not publish: the checksum of bytes that follow on others with a checksum.
uint32_t Extend(uint32_t checksum, const char *bytes, size_t byte_count);

}  // namespace rocksdb::crc32c

uint32_t rocksdb_crc32c(const void *bytes, size_t byte_count) {
  return rocksdb_crc32c_extend(0, bytes, byte_count);
}

uint32_t rocksdb_crc32c_extend(uint32_t checksum, const void *bytes, size_t byte_count) {
  return rocksdb::crc32c::Extend(checksum, static_cast<const char *>(bytes), byte_count);
}

#if defined(__x86_64__)

// Debian's RocksDB is for every processor of the architecture, and so looks checksums up in tables, a tenth as fast as
// the instruction for it (Intel's SSE 4.2). A program's own function goes before a library's of the same name, for calls
// within that library too.

namespace {

using Function = uint32_t (*)(uint32_t, const char *, size_t);

__attribute__((target("sse4.2"))) uint32_t ExtendByInstruction(uint32_t checksum, const char *bytes,
                                                               size_t byte_count) {
  uint64_t state = ~checksum;
  for (; byte_count >= sizeof(uint64_t); byte_count -= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    state = _mm_crc32_u64(state, word);
    bytes += sizeof word;
  }
  auto last = static_cast<uint32_t>(state);
  for (; byte_count > 0; --byte_count) last = _mm_crc32_u8(last, static_cast<uint8_t>(*bytes++));
  return ~last;
}

Function FastestFunction() {
  if (__builtin_cpu_supports("sse4.2")) return ExtendByInstruction;
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, "_ZN7rocksdb6crc32c6ExtendEjPKcm"));
}

}  // namespace

uint32_t rocksdb::crc32c::Extend(uint32_t checksum, const char *bytes, size_t byte_count) {
  static const Function function = FastestFunction();
  return function(checksum, bytes, byte_count);
}

#endif
