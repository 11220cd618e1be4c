#pragma once
#include <linux/aio_abi.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

// Writes zeros into the room ahead of the end of a log, on a thread of its own. Room that is only reserved is marked as
// written when it is first synced, and each commit would wait for that.
//
// Nothing depends on the zeros: room that has none reads like them.
class RoomWriter {
 public:
  // How much room a log of so many bytes should have ahead.
  static uint64_t RoomAhead(uint64_t byte_count);

  RoomWriter() : thread_([this] { Run(); }) {}
  ~RoomWriter();

  // Turns to a log, of which all is written up to a place. Its descriptor is for writing past the page cache.
  void Begin(int descriptor, uint64_t written_end);
  // Nothing is written into the log when this returns, nor later.
  void End(int descriptor);
  // Before the log is written up to a place: no zeros come there when this returns, nor later.
  void Claim(int descriptor, uint64_t end, uint64_t room_end);

 private:
  void Run();
  bool IsWanted() const;
  // False where the system can't without waiting.
  bool WriteZeros(int descriptor, uint64_t offset);
  void Destroy();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ = false;
  int descriptor_ = -1;
  // Of the log that a piece is being written into; -1 if there is none.
  int writing_descriptor_ = -1;
  uint64_t written_end_ = 0;
  uint64_t wanted_end_ = 0;
  aio_context_t context_ = 0;
  // Uses what is above.
  std::thread thread_;
};
