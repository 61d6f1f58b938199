// Reread: what files say that may change at any time.
// Threads: safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::auth {

struct FileVersion { // as stat tells it
  ino_t inode = 0;
  std::int64_t size = -1, modified = 0, changed = 0; // times in ns

  bool operator==(const FileVersion&) const = default;
};

// Returns nullopt if the file does not exist; symbolic links are followed.
std::optional<FileVersion> version_of(const std::string& path);

template <class T>
class Reread {
public:
  struct Source {
    std::vector<std::string> paths;
    std::function<Result<T>()> read;
    // For the log: once for each complaint, and for each change that was taken.
    std::function<void(const Error&)> refused;
    std::function<void(const T&)> changed;
  };

  // Errors: those of read.
  static Result<std::unique_ptr<Reread>> open(Source source) {
    std::unique_ptr<Reread> made(new Reread(std::move(source)));
    made->versions_ = made->versions();
    BERTH_TRY(T value, made->source_.read());
    made->value_ = std::make_shared<const T>(std::move(value));
    return made;
  }

  // Returns the present contents: stats each file, and reads all again if one differs. Files that are gone, unreadable
  // or broken change nothing: what was read last stays in force. Never null; another object means that it was read
  // again.
  std::shared_ptr<const T> current() {
    const Versions seen = versions(); // before reading: what changes meanwhile is seen the next time
    {
      const std::lock_guard lock(mutex_);
      if (seen == versions_) return value_;
    }
    Result<T> read = source_.read();
    std::unique_lock lock(mutex_);
    const bool is_read = read.has_value(), is_news = versions_ != seen; // threads may find the same change
    versions_ = seen;
    const Error why_not = is_read ? Error{} : read.error();
    if (is_read && is_news) value_ = std::make_shared<const T>(*std::move(read));
    const bool is_new_complaint = std::exchange(complaint_, why_not.message) != why_not.message;
    const auto value = value_;
    lock.unlock();

    if (!is_read && is_new_complaint) source_.refused(why_not);
    if (is_read && is_news) source_.changed(*value);
    return value;
  }

private:
  using Versions = std::vector<std::optional<FileVersion>>;

  explicit Reread(Source source) : source_(std::move(source)) {}
  Versions versions() const {
    Versions found;
    for (const std::string& path : source_.paths) found.push_back(version_of(path));
    return found;
  }

  const Source source_;
  std::mutex mutex_;
  std::shared_ptr<const T> value_;
  Versions versions_;
  std::string complaint_; // the last; empty: all is well
};

} // namespace berth::auth
