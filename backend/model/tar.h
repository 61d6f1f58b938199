// TarReader: takes the bytes of an uncompressed tar archive as they pass, and tells of the entries in it.
// Reads ustar, GNU (long names, base-256 numbers) and PAX archives, as far as Go's archive/tar of docker 1.x does; a
// sparse file is told of as it lies in the archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/result.h"

namespace berth::model {

struct TarEntry {
  std::string name; // as in the archive: a directory may end in a slash
  std::string link;
  std::string uname;
  std::string gname;
  char type = '0'; // the raw byte: '0' or NUL a file, '5' a directory, '2' a symbolic link, …
  std::int64_t size = 0;
  std::int64_t mode = 0;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t mtime = 0; // seconds since 1970
  std::int64_t device_major = 0;
  std::int64_t device_minor = 0;
};

class TarVisitor {
public:
  virtual ~TarVisitor() = default;
  virtual Result<> begin(const TarEntry& entry) = 0;
  virtual Result<> data(std::span<const std::byte> bytes) = 0; // of the entry that began last, piece by piece
};

class TarReader {
public:
  // Longest PAX header that is taken, in bytes: one may hold an attribute of 64 KiB.
  static constexpr std::size_t max_extension_bytes = 128 * 1024;
  // Longest name, link, or other text of an entry: the kernel takes paths of 4 KiB.
  static constexpr std::size_t max_text_bytes = 8 * 1024;

  // Borrows: visitor.
  explicit TarReader(TarVisitor& visitor) : visitor_(visitor) {}
  // Errors: invalid for what is no tar; whatever the visitor returns. After an error it takes nothing more.
  Result<> update(std::span<const std::byte> bytes);
  // Errors: invalid if the archive ends inside an entry.
  Result<> finish() const;

private:
  static constexpr std::size_t block_bytes = 512;

  Result<> take_header();
  Result<> take_extension();
  Result<> begin_entry(TarEntry entry);
  Result<> apply(TarEntry& entry, const std::map<std::string, std::string>& records);

  TarVisitor& visitor_;
  std::string block_;          // the header, as far as it has come
  char extension_type_ = '\0'; // not NUL: what comes is collected, and belongs to the next entry (L, K, x, g)
  std::string extension_;
  std::uint64_t data_left_ = 0; // of the entry, or of the extension
  std::uint64_t padding_left_ = 0;
  std::string long_name_, long_link_;
  std::map<std::string, std::string> local_, global_; // the PAX records that an entry has a member for
  bool ended_ = false;
};

} // namespace berth::model
