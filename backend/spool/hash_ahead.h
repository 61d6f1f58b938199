// HashAhead: has request bodies hashed while nginx is still writing them to the spool, and lets the disk begin with
// them, so that most of both is done when the request itself arrives. It saves time and promises nothing: a file that
// it does not know, or has not finished, is hashed by whoever asks for its hash.
//
// Requires: files of the directory grow at their end only, and have one reader: a pool alone on its spool. (Of several
// pools on one spool, each would hash everything.)
// Threads: it has one of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "spool/file_hashes.h"

namespace berth::spool {

class HashAhead {
public:
  // Begins to watch a directory. Borrows: hashes. Errors: io if the kernel has no watch to spare.
  static Result<std::unique_ptr<HashAhead>> watch(std::string directory, FileHashes& hashes);
  ~HashAhead();
  HashAhead(const HashAhead&) = delete;

private:
  using Files = std::map<std::string, std::shared_ptr<FileHashes::File>>; // by name

  HashAhead(std::string directory, FileHashes& hashes, UniqueFd notices, UniqueFd stop);
  void run();
  bool wait(int milliseconds);
  bool is_stopped() const;
  void read_notices();
  void note(const std::string& name, std::uint32_t mask);
  void forget(Files::const_iterator file);

  const std::string directory_;
  FileHashes& hashes_;
  UniqueFd notices_; // inotify
  UniqueFd stop_;    // eventfd
  Files files_;      // the thread's, as the next
  FileHashes::Buffers buffers_;
  std::thread thread_;
};

} // namespace berth::spool
