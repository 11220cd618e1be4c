#include "room_writer.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace {

constexpr uint64_t kPieceSize = 256 << 10;
constexpr uint64_t kAheadMax = 4 << 20;
// The page cache holds a file in parts of at most this size, none of which lies across a multiple of it. While past the cache
// something is written into such a part, nobody may write to it through the cache: the system would take what is there
// for damaged.
constexpr uint64_t kCachePartSize = 2 << 20;

alignas(4096) char zeros[kPieceSize];

uint64_t PartBegin(uint64_t place) { return place / kCachePartSize * kCachePartSize; }

}  // namespace

uint64_t RoomWriter::RoomAhead(uint64_t byte_count) { return std::min(byte_count / 2, kAheadMax); }

RoomWriter::~RoomWriter() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RoomWriter::Begin(int descriptor, uint64_t written_end) {
  std::lock_guard lock(mutex_);
  descriptor_ = descriptor;
  written_end_ = wanted_end_ = written_end;
}

void RoomWriter::End(int descriptor) {
  std::unique_lock lock(mutex_);
  if (descriptor_ == descriptor) descriptor_ = -1;
  // It may have turned to another log before the last piece of this one was written.
  changed_.wait(lock, [&] { return writing_descriptor_ != descriptor; });
}

void RoomWriter::Claim(int descriptor, uint64_t end, uint64_t room_end) {
  std::unique_lock lock(mutex_);
  if (descriptor_ != descriptor) return;
  if (end > PartBegin(written_end_)) {
    // It is not far enough ahead: the log waits for one piece, and no more are begun meanwhile.
    wanted_end_ = 0;
    changed_.wait(lock, [&] { return writing_descriptor_ != descriptor; });
    written_end_ = std::max(written_end_, PartBegin(end + kCachePartSize - 1));
  }
  wanted_end_ = std::min(end + RoomAhead(end), room_end);
  if (writing_descriptor_ < 0 && IsWanted()) changed_.notify_all();
}

bool RoomWriter::IsWanted() const { return descriptor_ >= 0 && written_end_ + kPieceSize <= wanted_end_; }

void RoomWriter::Run() {
  pthread_setname_np(pthread_self(), "log room");
  if (syscall(SYS_io_setup, 1, &context_) != 0) context_ = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_stopping_ || IsWanted(); });
    if (is_stopping_) break;
    const int descriptor = descriptor_;
    const uint64_t begin = written_end_;
    writing_descriptor_ = descriptor;
    lock.unlock();
    const bool is_written = WriteZeros(descriptor, begin);
    lock.lock();
    writing_descriptor_ = -1;
    if (descriptor_ == descriptor) {
      if (is_written) {
        written_end_ = begin + kPieceSize;
      } else {
        descriptor_ = -1;
      }
    }
    changed_.notify_all();
  }
  Destroy();
}

// Asynchronously: a call that waits would hold a lock of the file meanwhile, which writes through the page cache need.
bool RoomWriter::WriteZeros(int descriptor, uint64_t offset) {
  iocb request = {};
  request.aio_lio_opcode = IOCB_CMD_PWRITE;
  request.aio_fildes = static_cast<uint32_t>(descriptor);
  request.aio_buf = reinterpret_cast<uint64_t>(zeros);
  request.aio_nbytes = kPieceSize;
  request.aio_offset = static_cast<int64_t>(offset);
  iocb *requests[] = {&request};
  if (context_ == 0 || syscall(SYS_io_submit, context_, 1, requests) != 1) return false;
  io_event event;
  long count;
  do {
    count = syscall(SYS_io_getevents, context_, 1, 1, &event, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count == 1) return event.res == int64_t{kPieceSize};
  Destroy();
  return false;
}

// Waits until what was submitted is done.
void RoomWriter::Destroy() {
  if (context_ != 0) syscall(SYS_io_destroy, std::exchange(context_, 0));
}
