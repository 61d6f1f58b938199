// StorageDriver: paths and bytes. It knows nothing of digests, repositories or manifests, and nothing above it knows
// which driver it is.
//
// A path begins with a slash and names components of [A-Za-z0-9._-]; `.` and `..` are no components. Every operation
// refuses anything else (Code::invalid), as the last line of defence for the host's files. A symbolic link to a file
// counts as absent, so that no link leads a reader out of the store; one to a directory is followed.
//
// Atomic: a reader sees a file as it was or as it is, never a part of it (append is the one exception: its file belongs
// to whoever holds its lock).
// Durable: what is marked so outlives a power cut once the call returned; where a Durability is taken, if it says so.
// Threads: safe. Several processes, on several hosts, may use one store.
// Errors: not_found where a path is named that is not there; storage_full; io.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/content.h"
#include "base/result.h"

namespace berth::driver {

// One state of a file or directory. Once an entry of a directory has come or gone, its stamp is another one, whoever
// did it; unless both fall into one tick of the file system's clock: some milliseconds, on the coarsest ones two
// seconds.
struct Stamp {
  std::uint64_t device = 0, file = 0, links = 0;
  std::int64_t seconds = 0, nanoseconds = 0;
  bool operator==(const Stamp&) const = default;
  // Whether it is another state of the same directory, by whatever path. Never, of a driver that has no files.
  bool is_of_same(const Stamp& other) const { return file != 0 && file == other.file && device == other.device; }
};

struct FileInfo {
  std::uint64_t size = 0; // of a directory: 0
  bool is_directory = false;
  Stamp stamp = {};
};

enum class Durability {
  durable,
  scratch, // may be lost in a power cut: whoever reads it must cope with its absence
};

// A file that a put makes or replaces.
struct PutFile {
  std::string path;
  std::optional<Content> content; // absent: what is there stays, and is made durable, whoever wrote it
};

// Where the bytes of a file are, for whoever sends them to a client.
struct FileBelowRoot {
  std::string path; // below the root of the store, as the driver's own paths are
};
using Location = std::variant<FileBelowRoot, std::string>;

// Holds a lock until it is destroyed, or until the process dies.
class Lock {
public:
  virtual ~Lock() = default;
};

class StorageDriver {
public:
  virtual ~StorageDriver() = default;

  virtual Result<FileInfo> stat(const std::string& path) = 0;
  // Names (not paths) in byte order, without those that no path can have. Errors: not_found, also for a file.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  // Those of them that are directories, or links to one.
  virtual Result<std::vector<std::string>> list_directories(const std::string& path) = 0;
  // The whole file. Errors: size_invalid if it is larger than max_bytes.
  virtual Result<std::string> get_content(const std::string& path, std::size_t max_bytes) = 0;
  // A file as content, to be read or to be put under another name too. Requires: no one changes it meanwhile.
  virtual Result<Content> open(const std::string& path) = 0;
  virtual Result<Location> locate(const std::string& path) = 0;

  // Makes a directory and those above it, unless it is there. Durable: so that what is made durable in it can be found.
  virtual Result<> make_directory(const std::string& path) = 0;
  // Makes or replaces a small file, and the directories above it. Not durable: whoever reads it copes with its absence.
  virtual Result<> put_scratch(const std::string& path, std::string_view bytes) = 0;
  // Makes or replaces files, and the directories above them, in the order given: whoever sees one sees those before it.
  // Takes the file of a content instead of copying it where it can (it keeps its old name too, until its owner removes
  // that). Durable, at the price of one wait for the disk for all contents and one for all names.
  // Errors: some files, the first ones, may have been put.
  virtual Result<> put(std::vector<PutFile> files) = 0;
  // Makes the file its first `offset` bytes followed by content; on an error it is cut back to `offset`. Durable.
  // Takes the file of a content as put() does, if offset is 0.
  // Requires: the caller holds the lock that guards the file, and the file has at least `offset` bytes.
  virtual Result<> append(const std::string& path, std::uint64_t offset, const Content& content) = 0;
  // Removes a file, or a directory with all that is in it; either is gone at once for every reader.
  virtual Result<> remove(const std::string& path, Durability durability) = 0;
  // Removes a directory as remove() does; its contents are freed later, outside of any request. Scratch. Errors:
  // not_found, also for a file.
  virtual Result<> discard(const std::string& directory) = 0;
  // Makes durable what has come to and gone from a directory: many removals are waited for once. Nothing if it is gone.
  virtual Result<> settle(const std::string& directory) = 0;
  // Removes a directory with all that is in it, file by file: those named first, in the order given. Cheaper than
  // remove() if there is nothing else; cut short, it may have removed some. Scratch. Errors: not_found.
  virtual Result<> remove_files(const std::string& directory, std::span<const std::string_view> names) = 0;

  // Makes a file that no other process knows of yet, and the directories above it, locked as lock() does. Scratch; it
  // appears whole, as with put_scratch(). Requires: there is none of that name.
  virtual Result<std::unique_ptr<Lock>> make_locked(const std::string& path, std::string_view bytes) = 0;
  // Locks an existing file against everybody else who locks it, here or in another process; never waits.
  // Errors: busy if it is locked; not_found, also if it was removed meanwhile.
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
  // Locks a file that exists for nothing else, and is made if need be; waits for whoever holds it, but not long. For a
  // few changes that belong together, never across more. Errors: busy.
  virtual Result<std::unique_ptr<Lock>> lock_waiting(const std::string& path) = 0;
  // The same beside all others who share it: only those who exclude wait, and are waited for.
  virtual Result<std::unique_ptr<Lock>> share(const std::string& path) = 0;
};

// Whether text is a driver path by the grammar above, or one of its components.
bool is_path(std::string_view text);
bool is_component(std::string_view text);

} // namespace berth::driver
