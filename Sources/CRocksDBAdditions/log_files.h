#pragma once
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "room_writer.h"

// The files of RocksDB's write-ahead logs, see rocksdb_log_files_t.
class LogFiles : public rocksdb::FileSystemWrapper {
 public:
  explicit LogFiles(uint64_t spare_byte_count_max)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), spare_byte_count_max_(spare_byte_count_max) {}

  static bool IsLog(const std::string &path);

  void SetEnd(const std::string &name, uint64_t end) { ends_[name] = end; }
  void AdoptSpares(const std::string &folder);
  // Makes a log that is of no more use a spare, now or later; false if it is to be deleted.
  bool Keep(const std::string &path);
  bool IsKept(const std::string &path);
  RoomWriter &room() { return room_; }
  void NoteSync(const rocksdb::FSWritableFile *log) { unbegun_.compare_exchange_strong(log, nullptr); }

  const char *Name() const override { return "LogFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string &path, const rocksdb::FileOptions &options,
                                    std::unique_ptr<rocksdb::FSWritableFile> *file,
                                    rocksdb::IODebugContext *context) override;
  rocksdb::IOStatus NewSequentialFile(const std::string &path, const rocksdb::FileOptions &options,
                                      std::unique_ptr<rocksdb::FSSequentialFile> *file,
                                      rocksdb::IODebugContext *context) override;

 private:
  struct Spare {
    std::string path;
    uint64_t byte_count;
  };

  // False if it is to be deleted.
  bool Retire(const std::string &path);
  // The largest one; empty if there is none to be used.
  std::string TakeSpare();
  bool HasRoomFor(uint64_t byte_count);
  void AddSpare(Spare spare);

  const uint64_t spare_byte_count_max_;
  // By name; not changed once the database is open.
  std::unordered_map<std::string, uint64_t> ends_;
  // The log in use if it has nothing durable yet; null otherwise.
  std::atomic<const rocksdb::FSWritableFile *> unbegun_ = nullptr;
  std::mutex mutex_;
  bool is_first_ = true;
  // Of no more use but for their sequences, as long as the log in use is not begun.
  std::vector<std::string> held_;
  std::vector<Spare> spares_;
  uint64_t spare_byte_count_ = 0;
  RoomWriter room_;
};

struct rocksdb_log_files_t {
  std::shared_ptr<LogFiles> files;
  // Files other than logs are as the system has them.
  std::unique_ptr<rocksdb::Env> environment;
};
