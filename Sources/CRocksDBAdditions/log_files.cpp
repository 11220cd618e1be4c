#include "log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "folder_sync.h"
#include "options.h"
#include "rocksdb_additions.h"

namespace {

constexpr char kSpareSuffix[] = ".spare";
constexpr uint64_t kPageSize = 4096;
// The largest record that goes past the page cache. It is copied for that, and larger ones gain nothing.
constexpr uint64_t kDirectMax = 64 << 10;
constexpr uint64_t kRoomMin = 1 << 20;
constexpr uint64_t kRoomMax = 8 << 20;

bool EndsWith(const std::string &text, const std::string &suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

std::string NameOf(const std::string &path) { return path.substr(path.rfind('/') + 1); }

rocksdb::IOStatus Failure(const char *call, const std::string &path, int error = errno) {
  const std::string context = std::string(call) + " " + path;
  return error == ENOSPC ? rocksdb::IOStatus::NoSpace(context, std::strerror(error))
                         : rocksdb::IOStatus::IOError(context, std::strerror(error));
}

uint64_t ByteCount(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 ? status.st_size : 0;
}

constexpr size_t kMarkSize = sizeof ROCKSDB_LOG_END_MARK - 1;

// What follows the data: the mark, and zeros so that pages are written as a whole. The system would have to read what
// the file held before otherwise.
constexpr char kTail[kMarkSize + kPageSize] = ROCKSDB_LOG_END_MARK;

// A log from its beginning on, be its file new or that of a former log.
//
// Large records go through the page cache. Small ones pass it by, and are durable when they are written, in one call: in
// whole pages, whose beginning is kept for that.
class LogFile : public rocksdb::FSWritableFile {
 public:
  LogFile(LogFiles &files, std::string path, int descriptor)
      : files_(files),
        path_(std::move(path)),
        descriptor_(descriptor),
        direct_descriptor_(open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT)),
        byte_count_(ByteCount(descriptor)) {
    // What a former log has written needs no zeros.
    if (direct_descriptor_ >= 0) files_.room().Begin(direct_descriptor_, byte_count_);
  }

  ~LogFile() override {
    CloseDirect();
    if (descriptor_ >= 0) close(descriptor_);
  }

  using FSWritableFile::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice &data, const rocksdb::IOOptions &,
                           rocksdb::IODebugContext *) override {
    const uint64_t tail_end = TailEnd(data.size());
    MakeRoom(tail_end);
    if (direct_descriptor_ >= 0) files_.room().Claim(direct_descriptor_, tail_end, byte_count_);
    // Behind what is not synced yet, one sync is for both.
    const bool is_direct = data.size() <= kDirectMax && direct_descriptor_ >= 0 && !is_unsynced_;
    return is_direct ? AppendPastCache(data) : AppendToCache(data);
  }

  rocksdb::IOStatus Flush(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override {
    return rocksdb::IOStatus::OK();
  }

  rocksdb::IOStatus Sync(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override {
    if (is_unsynced_ && fdatasync(descriptor_) != 0) return Failure("fdatasync", path_);
    is_unsynced_ = false;
    files_.NoteSync(this);
    return rocksdb::IOStatus::OK();
  }

  bool IsSyncThreadSafe() const override { return true; }

  rocksdb::IOStatus Close(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override {
    CloseDirect();
    const int result = close(std::exchange(descriptor_, -1));
    return result == 0 ? rocksdb::IOStatus::OK() : Failure("close", path_);
  }

  uint64_t GetFileSize(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override { return end_; }

 private:
  static uint64_t PageBegin(uint64_t position) { return position / kPageSize * kPageSize; }
  static uint64_t PageEnd(uint64_t position) { return PageBegin(position + kPageSize - 1); }

  // Of the data that ends so far behind the data so far.
  uint64_t TailEnd(size_t size) const { return PageEnd(end_ + size + kMarkSize); }

  rocksdb::IOStatus AppendToCache(const rocksdb::Slice &data) {
    const uint64_t begin = PageBegin(end_);
    iovec parts[] = {
        {pages_, end_ - begin},
        {const_cast<char *>(data.data()), data.size()},
        {const_cast<char *>(kTail), TailEnd(data.size()) - (end_ + data.size())},
    };
    is_unsynced_ = true;
    if (const int error = Write(descriptor_, parts, 3, begin)) return Failure("write", path_, error);
    const size_t kept = (end_ + data.size()) % kPageSize;
    if (kept <= data.size()) {
      memcpy(pages_, data.data() + data.size() - kept, kept);
    } else {
      memcpy(pages_ + (end_ - begin), data.data(), data.size());
    }
    end_ += data.size();
    return rocksdb::IOStatus::OK();
  }

  rocksdb::IOStatus AppendPastCache(const rocksdb::Slice &data) {
    const uint64_t begin = PageBegin(end_);
    const uint64_t tail_end = TailEnd(data.size());
    char *place = pages_ + (end_ - begin);
    memcpy(place, data.data(), data.size());
    memcpy(place + data.size(), kTail, tail_end - (end_ + data.size()));
    iovec part = {pages_, tail_end - begin};
    const int error = Write(direct_descriptor_, &part, 1, begin, RWF_DSYNC);
    if (error == EINVAL || error == EOPNOTSUPP) {
      // Not on this file system, or not in such pages.
      CloseDirect();
      return AppendToCache(data);
    }
    if (error != 0) return Failure("write", path_, error);
    end_ += data.size();
    memmove(pages_, pages_ + (PageBegin(end_) - begin), end_ - PageBegin(end_));
    return rocksdb::IOStatus::OK();
  }

  // Uses the parts up. The flags are those of pwritev2. The error's number, or 0.
  static int Write(int descriptor, iovec *part, int count, uint64_t offset, int flags = 0) {
    const iovec *const end = part + count;
    while (part < end) {
      const ssize_t result =
          pwritev2(descriptor, part, static_cast<int>(end - part), static_cast<off_t>(offset), flags);
      if (result == 0) return EIO;
      if (result < 0 && errno != EINTR) return errno;
      size_t written = std::max<ssize_t>(result, 0);
      offset += written;
      for (; part < end && part->iov_len <= written; part++) written -= part->iov_len;
      if (part == end) break;
      part->iov_base = static_cast<char *>(part->iov_base) + written;
      part->iov_len -= written;
    }
    return 0;
  }

  // Lengthens the file ahead of what is written: to store a new length takes a sync a write more. A log without
  // room only takes longer to sync.
  void MakeRoom(uint64_t end) {
    const uint64_t needed = end + RoomWriter::RoomAhead(end);
    if (needed <= byte_count_) return;
    const uint64_t longer = PageEnd(needed + std::clamp(end / 4, kRoomMin, kRoomMax));
    if (fallocate(descriptor_, 0, 0, static_cast<off_t>(longer)) == 0) byte_count_ = longer;
  }

  void CloseDirect() {
    if (direct_descriptor_ < 0) return;
    files_.room().End(direct_descriptor_);
    close(std::exchange(direct_descriptor_, -1));
  }

  LogFiles &files_;
  const std::string path_;
  int descriptor_;
  // Of the same file, past the page cache; -1 where the file system can't.
  int direct_descriptor_;
  uint64_t byte_count_;
  uint64_t end_ = 0;
  // Whether the page cache has what may not be on the disk.
  std::atomic<bool> is_unsynced_ = false;
  // The data of the page that the next record begins in; and room for a small record, its mark and the rest of the
  // last page.
  alignas(kPageSize) char pages_[kDirectMax + 2 * kPageSize];
};

// RocksDB's manifest. Where several changes of it come at once, RocksDB writes their records one after the other and syncs
// them together. Here each is synced before the next begins, as in its logs, so that only the last one can be torn.
class ManifestFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  rocksdb::IOStatus Append(const rocksdb::Slice &data, const rocksdb::IOOptions &options,
                           rocksdb::IODebugContext *context) override {
    const auto status = SyncWhatIsWritten(options, context);
    return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, context) : status;
  }

  rocksdb::IOStatus Append(const rocksdb::Slice &data, const rocksdb::IOOptions &options,
                           const rocksdb::DataVerificationInfo &verification,
                           rocksdb::IODebugContext *context) override {
    const auto status = SyncWhatIsWritten(options, context);
    return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, verification, context) : status;
  }

  rocksdb::IOStatus Sync(const rocksdb::IOOptions &options, rocksdb::IODebugContext *context) override {
    is_synced_ = true;
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions &options, rocksdb::IODebugContext *context) override {
    is_synced_ = true;
    return FSWritableFileOwnerWrapper::Fsync(options, context);
  }

 private:
  rocksdb::IOStatus SyncWhatIsWritten(const rocksdb::IOOptions &options, rocksdb::IODebugContext *context) {
    return std::exchange(is_synced_, false) ? rocksdb::IOStatus::OK()
                                            : FSWritableFileOwnerWrapper::Sync(options, context);
  }

  bool is_synced_ = true;
};

// A file of which there is nothing to be read from a place on.
class ShortenedFile : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  ShortenedFile(std::unique_ptr<rocksdb::FSSequentialFile> file, uint64_t byte_count)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_(byte_count) {}

  rocksdb::IOStatus Read(size_t byte_count, const rocksdb::IOOptions &options, rocksdb::Slice *result,
                         char *scratch, rocksdb::IODebugContext *context) override {
    auto status = FSSequentialFileOwnerWrapper::Read(std::min<uint64_t>(byte_count, left_), options,
                                                     result, scratch, context);
    if (status.ok()) left_ -= result->size();
    return status;
  }

  rocksdb::IOStatus Skip(uint64_t byte_count) override {
    const uint64_t skipped = std::min(byte_count, left_);
    left_ -= skipped;
    return FSSequentialFileOwnerWrapper::Skip(skipped);
  }

 private:
  uint64_t left_;
};

// Marks the end of a log at a file's beginning, durably.
bool WriteEmptyLog(const std::string &path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool is_written = pwrite(descriptor, kTail, kPageSize, 0) == kPageSize && fdatasync(descriptor) == 0;
  return close(descriptor) == 0 && is_written;
}

}  // namespace

bool LogFiles::IsLog(const std::string &path) { return EndsWith(path, ".log"); }

rocksdb::IOStatus LogFiles::NewWritableFile(const std::string &path,
                                            const rocksdb::FileOptions &options,
                                            std::unique_ptr<rocksdb::FSWritableFile> *file,
                                            rocksdb::IODebugContext *context) {
  if (!IsLog(path)) {
    auto status = FileSystemWrapper::NewWritableFile(path, options, file, context);
    if (status.ok() && NameOf(path).rfind("MANIFEST-", 0) == 0) {
      *file = std::make_unique<ManifestFile>(std::move(*file));
    }
    return status;
  }
  const std::string spare = TakeSpare();
  // RocksDB syncs the folder before it calls anything durable that is in a new log.
  const bool is_spare = !spare.empty() && rename(spare.c_str(), path.c_str()) == 0;
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC | (is_spare ? 0 : O_CREAT | O_TRUNC), 0644);
  if (descriptor < 0) return Failure("open", path);
  *file = std::make_unique<LogFile>(*this, path, descriptor);
  unbegun_ = file->get();
  return rocksdb::IOStatus::OK();
}

rocksdb::IOStatus LogFiles::NewSequentialFile(const std::string &path,
                                              const rocksdb::FileOptions &options,
                                              std::unique_ptr<rocksdb::FSSequentialFile> *file,
                                              rocksdb::IODebugContext *context) {
  auto status = FileSystemWrapper::NewSequentialFile(path, options, file, context);
  const auto end = ends_.find(NameOf(path));
  if (status.ok() && end != ends_.end()) {
    *file = std::make_unique<ShortenedFile>(std::move(*file), end->second);
  }
  return status;
}

bool LogFiles::Keep(const std::string &path) {
  if (!IsLog(path)) return false;
  std::vector<std::string> retired;
  {
    std::lock_guard lock(mutex_);
    held_.push_back(path);
    // As long as nothing of the log in use is durable, the sequences of those before it tell remains of a former log from
    // its own.
    if (unbegun_ != nullptr) return true;
    retired.swap(held_);
  }
  bool is_kept = true;
  for (const auto &log : retired) {
    if (Retire(log)) continue;
    if (log == path) {
      is_kept = false;
    } else {
      unlink(log.c_str());
    }
  }
  return is_kept;
}

bool LogFiles::IsKept(const std::string &path) {
  if (!IsLog(path)) return false;
  std::lock_guard lock(mutex_);
  return std::find(held_.begin(), held_.end(), path) != held_.end() || access(path.c_str(), F_OK) != 0;
}

bool LogFiles::Retire(const std::string &path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || status.st_size == 0) return false;
  // Under another name it is somebody's copy.
  if (status.st_nlink != 1 || !HasRoomFor(status.st_size)) return false;
  const std::string spare = path + kSpareSuffix;
  if (rename(path.c_str(), spare.c_str()) != 0) return false;
  // Nothing of it may change before the name does: it would be a log, and a damaged one. What could not be made sure
  // is left to the next start.
  if (SyncFolder(*target(), FolderOf(path)).ok()) {
    AddSpare({spare, static_cast<uint64_t>(status.st_size)});
  }
  return true;
}

void LogFiles::AdoptSpares(const std::string &folder) {
  std::vector<std::string> names;
  if (!target()->GetChildren(folder, {}, &names, nullptr).ok()) return;
  std::sort(names.begin(), names.end());
  for (const auto &name : names) {
    if (!EndsWith(name, kSpareSuffix)) continue;
    const std::string path = folder + "/" + name;
    struct stat status;
    // Under another name as well it is a part of somebody's copy.
    if (stat(path.c_str(), &status) == 0 && status.st_nlink == 1 && HasRoomFor(status.st_size)) {
      AddSpare({path, static_cast<uint64_t>(status.st_size)});
    } else {
      unlink(path.c_str());
    }
  }
}

std::string LogFiles::TakeSpare() {
  std::lock_guard lock(mutex_);
  // The first log of a process has none before it.
  if (std::exchange(is_first_, false) || spares_.empty()) return {};
  const auto largest = std::max_element(spares_.begin(), spares_.end(), [](const auto &a, const auto &b) {
    return a.byte_count < b.byte_count;
  });
  const Spare spare = std::move(*largest);
  spares_.erase(largest);
  spare_byte_count_ -= spare.byte_count;
  return spare.path;
}

bool LogFiles::HasRoomFor(uint64_t byte_count) {
  std::lock_guard lock(mutex_);
  return spare_byte_count_ + byte_count <= spare_byte_count_max_;
}

void LogFiles::AddSpare(Spare spare) {
  if (!WriteEmptyLog(spare.path)) {
    unlink(spare.path.c_str());
    return;
  }
  std::lock_guard lock(mutex_);
  spare_byte_count_ += spare.byte_count;
  spares_.push_back(std::move(spare));
}

rocksdb_log_files_t *rocksdb_log_files_create(uint64_t spare_byte_count_max) {
  auto files = std::make_shared<LogFiles>(spare_byte_count_max);
  auto environment = rocksdb::NewCompositeEnv(files);
  return new rocksdb_log_files_t{std::move(files), std::move(environment)};
}

void rocksdb_log_files_destroy(rocksdb_log_files_t *files) { delete files; }

void rocksdb_log_files_adopt_spares(rocksdb_log_files_t *files, const char *folder) {
  files->files->AdoptSpares(folder);
}

void rocksdb_log_files_set_end(rocksdb_log_files_t *files, const char *name, uint64_t byte_count) {
  files->files->SetEnd(name, byte_count);
}

void rocksdb_options_set_log_files(rocksdb_options_t *options, rocksdb_log_files_t *files) {
  options->rep.env = files->environment.get();
}
