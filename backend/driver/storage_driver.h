// StorageDriver: paths and bytes. It knows nothing of digests, repositories or manifests, and nothing above it knows
// which driver it is.
//
// A path begins with a slash and names components of [A-Za-z0-9._-]; `.` and `..` are no components. Every operation
// refuses anything else (Code::invalid), as the last line of defence for the host's files. A symbolic link to a file
// counts as absent, so that no link leads a reader out of the store; one to a directory is followed.
//
// It asks for what an object store can do too: whole files, lists, no locks (driver/locks.h) and no appending; what
// only a file system can do besides is LocalDriver's (driver/local_driver.h).
//
// Atomic: a reader sees a file as it was or as it is, never a part of it.
// Durable: what is marked so outlives a power cut once the call returned; where a Durability is taken, if it says so.
// Threads: safe. Several processes, on several hosts, may use one store.
// Errors: not_found where a path is named that is not there; storage_full; io.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/content.h"
#include "base/location.h"
#include "base/result.h"

namespace berth::driver {

// One state of a file or directory, as the driver names states. Equal ones are of the same file or directory, by
// whatever path; once an entry of a directory has come or gone, or a file was replaced, its version is another one,
// whoever did it; unless both fall into one tick of the store's clock: some milliseconds, on the coarsest file systems
// two seconds.
struct Version {
  std::array<std::uint64_t, 5> words{};
  bool operator==(const Version&) const = default;
};

struct FileInfo {
  std::uint64_t size = 0; // of a directory: 0
  bool is_directory = false;
  std::optional<Version> version = {}; // absent if the driver cannot tell: then nothing of it can be remembered
  std::optional<Time> changed = {};    // the last change, by the clock of the store; absent if the driver cannot tell
};

struct Entry {
  std::string name; // not a path
  bool is_directory = false;
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

class StorageDriver {
public:
  virtual ~StorageDriver() = default;

  virtual Result<FileInfo> stat(const std::string& path) = 0;
  // What is in a directory, in byte order of the names: at most `limit` entries whose names come after `after`, without
  // names that no path can have. Errors: not_found, also for a file.
  virtual Result<std::vector<Entry>> list(const std::string& path, const std::string& after, std::size_t limit) = 0;
  // The whole file. Errors: size_invalid if it is larger than max_bytes.
  virtual Result<std::string> get_content(const std::string& path, std::size_t max_bytes) = 0;
  // A file as content: to be read, in pieces where it comes over a network, or to be put under another name too.
  // Requires: no one changes it meanwhile.
  virtual Result<Content> open(const std::string& path) = 0;
  virtual Result<Location> locate(const std::string& path) = 0;

  // Makes or replaces a small file, and the directories above it. Not durable: whoever reads it copes with its absence.
  virtual Result<> put_scratch(const std::string& path, std::string_view bytes) = 0;
  // Makes or replaces files, and the directories above them, in the order given: whoever sees one sees those before it.
  // Takes the file of a content instead of copying it where it can (it keeps its old name too, until its owner removes
  // that); what this driver has opened itself is copied within the store, and does not come through the process.
  // Durable, at the price of one wait for the disk for all contents and one for all names. Errors: some files, the
  // first ones, may have been put.
  virtual Result<> put(std::vector<PutFile> files) = 0;
  // Makes or replaces a small file, and the directories above it, if it is as it was when the caller saw it: of the
  // expected version, or not there if that is absent. Of several callers who saw the same, one has its way. Returns the
  // file's new version. Durable. Requires: whoever else changes the file uses put_if(), or removes it.
  // Errors: busy if it is not as expected, or another caller is at it; unsupported by a store that cannot compare.
  virtual Result<Version> put_if(const std::string& path, std::string_view bytes,
                                 const std::optional<Version>& expected);
  // Removes a file, or a directory with all that is in it; either is gone at once for every reader.
  virtual Result<> remove(const std::string& path, Durability durability) = 0;
  // Removes a directory as remove() does; its contents are freed later, outside of any request. Scratch. Errors:
  // not_found, also for a file.
  virtual Result<> discard(const std::string& directory) = 0;
  // Removes a directory if there is nothing in it; what has no directories of their own has none to remove. Scratch.
  virtual Result<> remove_empty(const std::string& /*directory*/) { return {}; }
  // Makes durable what has come to and gone from a directory: many removals are waited for once. Nothing if it is gone.
  virtual Result<> settle(const std::string& directory) = 0;
};

inline constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

// The names of all that is in a directory, or of the directories among it. Errors: as list().
Result<std::vector<std::string>> names_in(StorageDriver& driver, const std::string& path);
Result<std::vector<std::string>> directories_in(StorageDriver& driver, const std::string& path);

// Whether text is a driver path by the grammar above, or one of its components.
bool is_path(std::string_view text);
bool is_component(std::string_view text);

} // namespace berth::driver
