// HtpasswdFile: the users of a file that may change at any time.
// Threads: safe.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "auth/htpasswd.h"
#include "base/log.h"
#include "base/result.h"

namespace berth::auth {

class HtpasswdFile {
public:
  // Errors: not_found, not_permitted, io, invalid, with a message that names auth.htpasswd.path and says how to make
  // the file.
  static Result<std::unique_ptr<HtpasswdFile>> open(std::string path, Logger& logger);

  // What the file says now: one stat, and the file is read again if that differs. A file that is gone, unreadable or
  // broken changes nothing: what was read last stays in force, and the log has one line.
  std::shared_ptr<const Htpasswd> current();

private:
  struct Version { // of the file, as stat tells it
    ino_t inode = 0;
    std::int64_t size = -1, modified = 0, changed = 0; // times in ns

    bool operator==(const Version&) const = default;
  };
  struct Read {
    std::optional<Version> version; // none: it could not be read
    Result<Htpasswd> entries;
  };

  HtpasswdFile(std::string path, Logger& logger) : path_(std::move(path)), logger_(logger) {}
  static Version version_of(const struct stat& info);
  Read read() const;
  std::shared_ptr<const Htpasswd> take(Read read);

  const std::string path_;
  Logger& logger_;
  std::mutex mutex_;
  std::shared_ptr<const Htpasswd> entries_;
  std::optional<Version> version_;
  std::string complaint_; // the last that was logged; empty: all is well
};

} // namespace berth::auth
