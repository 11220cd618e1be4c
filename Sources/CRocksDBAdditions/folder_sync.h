#pragma once
#include <rocksdb/file_system.h>

#include <memory>
#include <string>

// Makes names of a folder durable.
inline rocksdb::IOStatus SyncFolder(rocksdb::FileSystem &files, const std::string &path) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  auto status = files.NewDirectory(path, {}, &folder, nullptr);
  return status.ok() ? folder->Fsync({}, nullptr) : status;
}

inline std::string FolderOf(const std::string &path) { return path.substr(0, path.rfind('/')); }
