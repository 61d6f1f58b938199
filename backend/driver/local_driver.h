// LocalDriver: a storage driver whose files grow in place and can be locked, as a file system's do. The uploads in
// docker/distribution's form (storage/uploads/file_uploads.h) stand on it; nothing else may.
// Atomic, Durable, Threads, Errors: as StorageDriver. A file that grows belongs to whoever holds its lock: readers may
// see a part of it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "driver/locks.h"
#include "driver/storage_driver.h"

namespace berth::driver {

class LocalDriver : public StorageDriver {
public:
  // Makes a directory and those above it, unless it is there. Durable: so that what is made durable in it can be found.
  virtual Result<> make_directory(const std::string& path) = 0;
  // Makes the file its first `offset` bytes followed by content; on an error it is cut back to `offset`. Durable.
  // Takes the file of a content as put() does, if offset is 0.
  // Requires: the caller holds the lock that guards the file. Errors: corrupt if the file has less than `offset` bytes.
  virtual Result<> append(const std::string& path, std::uint64_t offset, const Content& content) = 0;
  // Removes a directory with all that is in it, file by file: those named first, in the order given. Cheaper than
  // remove() if there is nothing else; cut short, it may have removed some. Scratch. Errors: not_found.
  virtual Result<> remove_files(const std::string& directory, std::span<const std::string_view> names) = 0;

  // Makes a file that no other process knows of yet, and the directories above it, locked as lock() does. Scratch; it
  // appears whole, as with put_scratch(). Requires: there is none of that name.
  virtual Result<std::unique_ptr<Lock>> make_locked(const std::string& path, std::string_view bytes) = 0;
  // Locks an existing file against everybody else who locks it, here or in another process; never waits.
  // Errors: busy if it is locked; not_found, also if it was removed meanwhile.
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
};

} // namespace berth::driver
