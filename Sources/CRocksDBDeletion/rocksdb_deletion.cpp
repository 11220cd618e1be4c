#include "rocksdb_deletion.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_manager.h>

#include <memory>
#include <string>

// As in RocksDB's c.cc, which does not publish it.
struct rocksdb_options_t {
  rocksdb::Options rep;
};

namespace {

// Makes a file's new name durable before anything of the file goes. Otherwise a power cut could bring it back
// under its old name and cut short, as if it were damaged.
class DurableRenames : public rocksdb::FileSystemWrapper {
 public:
  DurableRenames() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char *Name() const override { return "DurableRenames"; }

  rocksdb::IOStatus RenameFile(const std::string &source, const std::string &target,
                               const rocksdb::IOOptions &options,
                               rocksdb::IODebugContext *context) override {
    auto status = FileSystemWrapper::RenameFile(source, target, options, context);
    if (!status.ok()) return status;
    std::unique_ptr<rocksdb::FSDirectory> folder;
    status = NewDirectory(target.substr(0, target.rfind('/')), options, &folder, context);
    if (!status.ok()) return status;
    return folder->Fsync(options, context);
  }
};

}  // namespace

void rocksdb_options_set_slow_deletion(rocksdb_options_t *options, int64_t bytes_per_second,
                                       uint64_t piece_byte_count, double waiting_share_max) {
  options->rep.sst_file_manager.reset(rocksdb::NewSstFileManager(
      rocksdb::Env::Default(), std::make_shared<DurableRenames>(), /*info_log=*/nullptr,
      /*trash_dir=*/"", bytes_per_second, /*delete_existing_trash=*/true, /*status=*/nullptr,
      waiting_share_max, piece_byte_count));
}
