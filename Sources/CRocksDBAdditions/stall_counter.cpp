#include <rocksdb/listener.h>

#include <atomic>
#include <memory>

#include "options.h"
#include "rocksdb_additions.h"

namespace {

// RocksDB tells when the condition of a family changes; which it is may have changed again when one asks for it.
class StallCounter : public rocksdb::EventListener {
 public:
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo &info) override {
    if (info.condition.prev == rocksdb::WriteStallCondition::kNormal) count_++;
  }

  uint64_t count() const { return count_; }

 private:
  std::atomic<uint64_t> count_ = 0;
};

}  // namespace

struct rocksdb_stall_counter_t {
  std::shared_ptr<StallCounter> rep;
};

rocksdb_stall_counter_t *rocksdb_stall_counter_create() {
  return new rocksdb_stall_counter_t{std::make_shared<StallCounter>()};
}

void rocksdb_stall_counter_destroy(rocksdb_stall_counter_t *counter) { delete counter; }

void rocksdb_options_add_stall_counter(rocksdb_options_t *options, rocksdb_stall_counter_t *counter) {
  options->rep.listeners.push_back(counter->rep);
}

uint64_t rocksdb_stall_counter_count(const rocksdb_stall_counter_t *counter) { return counter->rep->count(); }
