#include <rocksdb/rate_limiter.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "options.h"
#include "rocksdb_additions.h"

namespace {

// Short, so that a flush writes small pieces steadily, and none holds a commit up for long.
constexpr int64_t kRefillMicroseconds = 5000;

// RocksDB asks with high priority for flushes, with a user's while a writer waits for one, and with low for
// compactions.
class FlushLimiter : public rocksdb::RateLimiter {
 public:
  explicit FlushLimiter(const int64_t bytes_per_second_min)
      : bytes_per_second_min_(bytes_per_second_min),
        request_bytes_max_(bytes_per_second_min * kRefillMicroseconds / 1000000),
        limiter_(rocksdb::NewGenericRateLimiter(std::numeric_limits<int64_t>::max() / 2,
                                                kRefillMicroseconds)) {}

  void SetBytesPerSecond(const int64_t bytes_per_second) override {
    limiter_->SetBytesPerSecond(std::max(bytes_per_second, bytes_per_second_min_));
  }

  // When RocksDB has read how much may be asked for at once, the limit may fall before it asks, and a RocksDB that is
  // built with assertions, such as Debian's, then stops the process. So its limiter is asked for so little at once
  // that any limit allows it.
  using RateLimiter::Request;
  void Request(const int64_t bytes, const rocksdb::Env::IOPriority priority,
               rocksdb::Statistics *statistics) override {
    if (priority != rocksdb::Env::IO_HIGH) return;
    for (int64_t left = bytes; left > 0; left -= request_bytes_max_) {
      limiter_->Request(std::min(left, request_bytes_max_), priority, statistics);
    }
  }

  size_t RequestToken(size_t bytes, size_t alignment, rocksdb::Env::IOPriority priority,
                      rocksdb::Statistics *statistics, OpType operation) override {
    if (priority != rocksdb::Env::IO_HIGH) return bytes;
    return RateLimiter::RequestToken(bytes, alignment, priority, statistics, operation);
  }

  int64_t GetSingleBurstBytes() const override { return limiter_->GetSingleBurstBytes(); }
  int64_t GetBytesPerSecond() const override { return limiter_->GetBytesPerSecond(); }
  int64_t GetTotalBytesThrough(const rocksdb::Env::IOPriority priority) const override {
    return limiter_->GetTotalBytesThrough(priority);
  }
  int64_t GetTotalRequests(const rocksdb::Env::IOPriority priority) const override {
    return limiter_->GetTotalRequests(priority);
  }

 private:
  const int64_t bytes_per_second_min_;
  const int64_t request_bytes_max_;
  const std::unique_ptr<rocksdb::RateLimiter> limiter_;
};

}  // namespace

struct rocksdb_flush_limiter_t {
  std::shared_ptr<FlushLimiter> rep;
};

rocksdb_flush_limiter_t *rocksdb_flush_limiter_create(int64_t bytes_per_second_min) {
  return new rocksdb_flush_limiter_t{std::make_shared<FlushLimiter>(bytes_per_second_min)};
}

void rocksdb_flush_limiter_destroy(rocksdb_flush_limiter_t *limiter) { delete limiter; }

void rocksdb_options_set_flush_limiter(rocksdb_options_t *options, rocksdb_flush_limiter_t *limiter) {
  options->rep.rate_limiter = limiter->rep;
}

void rocksdb_flush_limiter_set_bytes_per_second(rocksdb_flush_limiter_t *limiter,
                                                int64_t bytes_per_second) {
  limiter->rep->SetBytesPerSecond(bytes_per_second);
}
