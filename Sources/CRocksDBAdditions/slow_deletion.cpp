#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/sst_file_manager.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "folder_sync.h"
#include "log_files.h"
#include "options.h"
#include "rocksdb_additions.h"

namespace {

// A file that is cut short piece by piece. RocksDB asks for a sync of each cut. That takes about as long as the cut,
// and gains nothing: after a power cut the file is cut again.
class TrashFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override {
    return rocksdb::IOStatus::OK();
  }
};

// What the manager sees of the files that it deletes.
class TrashFileSystem : public rocksdb::FileSystemWrapper {
 public:
  TrashFileSystem(std::shared_ptr<LogFiles> logs, int64_t bytes_per_second_min, int64_t seconds)
      : FileSystemWrapper(rocksdb::FileSystem::Default()),
        logs_(std::move(logs)),
        bytes_per_second_min_(bytes_per_second_min),
        seconds_(seconds) {}

  // The manager owns this file system, so it is there for as long as it is called.
  void set_manager(rocksdb::SstFileManager *manager) { manager_ = manager; }

  const char *Name() const override { return "TrashFileSystem"; }

  // Gives a file the name under which it waits. For one that can't have it the manager tries to delete it at once.
  rocksdb::IOStatus RenameFile(const std::string &source, const std::string &target,
                               const rocksdb::IOOptions &options,
                               rocksdb::IODebugContext *context) override {
    if (logs_->Keep(source)) return rocksdb::IOStatus::NotSupported("it is kept for another log");
    auto status = FileSystemWrapper::RenameFile(source, target, options, context);
    if (!status.ok()) return status;
    const auto waiting = static_cast<int64_t>(manager_->GetTotalTrashSize());
    manager_->SetDeleteRateBytesPerSecond(std::max(bytes_per_second_min_, waiting / seconds_));
    // The new name is durable before anything of the file goes. Otherwise a power cut could bring it back under its
    // old name and cut short, as if it were damaged.
    return SyncFolder(*this, FolderOf(target));
  }

  rocksdb::IOStatus DeleteFile(const std::string &path, const rocksdb::IOOptions &options,
                               rocksdb::IODebugContext *context) override {
    if (logs_->IsKept(path)) return rocksdb::IOStatus::OK();
    return FileSystemWrapper::DeleteFile(path, options, context);
  }

  rocksdb::IOStatus ReopenWritableFile(const std::string &path, const rocksdb::FileOptions &options,
                                       std::unique_ptr<rocksdb::FSWritableFile> *file,
                                       rocksdb::IODebugContext *context) override {
    std::unique_ptr<rocksdb::FSWritableFile> opened;
    auto status = FileSystemWrapper::ReopenWritableFile(path, options, &opened, context);
    if (status.ok()) *file = std::make_unique<TrashFile>(std::move(opened));
    return status;
  }

 private:
  const std::shared_ptr<LogFiles> logs_;
  const int64_t bytes_per_second_min_;
  const int64_t seconds_;
  rocksdb::SstFileManager *manager_ = nullptr;
};

}  // namespace

void rocksdb_options_set_slow_deletion(rocksdb_options_t *options, rocksdb_log_files_t *logs,
                                       int64_t bytes_per_second_min, int64_t seconds,
                                       uint64_t piece_byte_count, double waiting_share_max) {
  auto files = std::make_shared<TrashFileSystem>(logs->files, bytes_per_second_min, seconds);
  options->rep.sst_file_manager.reset(rocksdb::NewSstFileManager(
      rocksdb::Env::Default(), files, /*info_log=*/nullptr, /*trash_dir=*/"",
      bytes_per_second_min, /*delete_existing_trash=*/true, /*status=*/nullptr, waiting_share_max,
      piece_byte_count));
  files->set_manager(options->rep.sst_file_manager.get());
}
