// HashAhead: hashes request bodies while nginx is still writing them to the spool, and lets the disk begin with them,
// so that most of both is done when the request itself arrives. It saves time and promises nothing: a file that it does
// not know, or has not finished, is hashed by whoever asked.
//
// Requires: files of the directory grow at their end only, and have one reader: a pool alone on its spool. (Of several
// pools on one spool, each would hash everything.)
// Threads: safe; it has one of its own.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/content.h"
#include "base/guarded.h"
#include "base/unique_fd.h"
#include "model/digester.h"

namespace berth::storage {

class HashAhead {
public:
  // Begins to watch a directory. Errors: io if the kernel has no watch to spare.
  static Result<std::unique_ptr<HashAhead>> watch(std::string directory);
  ~HashAhead();
  HashAhead(const HashAhead&) = delete;

  // The hash of the file's bytes [0, length()), and stops with this file. Waits for the piece that is being hashed, if
  // one is. Empty: nothing is known of it.
  std::optional<model::Sha256> take(const Content& content);

private:
  // A file that grows. What is hashed of it belongs to the thread while that has it in work.
  struct File {
    UniqueFd fd; // keeps the inode's number from being used again
    std::mutex busy;
    model::Sha256 hash; // guarded by busy
    bool taken = false; // guarded by busy
  };
  using Files = std::map<std::string, std::shared_ptr<File>>; // by name; null: seen, but too small yet

  HashAhead(std::string directory, UniqueFd notices, UniqueFd stop);
  void run();
  bool wait(int milliseconds);
  void read_notices();
  void note(const std::string& name, std::uint32_t mask);
  bool advance();
  bool advance(File& file);

  std::string directory_;
  UniqueFd notices_; // inotify
  UniqueFd stop_;    // eventfd
  Guarded<Files> files_;
  std::unique_ptr<std::byte[]> buffer_; // the thread's
  std::thread thread_;
};

} // namespace berth::storage
