#include "driver/s3/s3_driver.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

namespace berth::driver::s3 {
namespace {

constexpr std::size_t piece_bytes = std::size_t{8} << 20;
constexpr std::size_t max_page = 1000;

std::unexpected<Error> missing(const std::string& path) { return fail(Code::not_found, path + ": no such object"); }

// The ETag itself; none of those that are too long for that.
std::optional<Version> version_of(std::string_view etag) {
  Version version;
  if (etag.empty() || etag.size() > sizeof version.words) return std::nullopt;
  std::memcpy(version.words.data(), etag.data(), etag.size());
  return version;
}

std::string etag_of(const Version& version) {
  const std::string_view bytes(reinterpret_cast<const char*>(version.words.data()), sizeof version.words);
  return std::string(bytes.substr(0, bytes.find('\0')));
}

// A directory of the store while it is listed. A LIST is not in the order of names: `a-b/` and `a.b/` come before `a/`.
class Names {
public:
  Names(std::string prefix, std::string after, std::size_t limit)
      : prefix_(std::move(prefix)), after_(std::move(after)), limit_(limit) {}

  void add(const Listing& page) {
    for (const std::string& key : page.keys) add(key, key.size(), false);
    for (const std::string& below : page.prefixes) add(below, below.size() - 1, true);
  }
  bool saw_any() const { return !last_.empty(); }

  // Whether what may still come is behind all that is wanted. It is not, while a name that is still to come, with the
  // slash behind it, may be the beginning of one that is here.
  bool are_enough() const {
    if (entries_.size() < limit_) return false;
    if (limit_ == 0) return true;
    const std::string& greatest = std::next(entries_.begin(), static_cast<std::ptrdiff_t>(limit_ - 1))->name;
    for (std::size_t size = 1; size < greatest.size(); ++size)
      if (greatest[size] < '/' && prefix_ + greatest.substr(0, size) + "/" > last_) return false;
    return true;
  }

  std::vector<Entry> take() {
    std::vector<Entry> taken;
    for (const Entry& entry : entries_) {
      if (taken.size() == limit_) break;
      taken.push_back(entry);
    }
    return taken;
  }

private:
  struct ByName {
    bool operator()(const Entry& one, const Entry& other) const { return one.name < other.name; }
  };

  void add(const std::string& key, std::size_t end, bool is_directory) {
    last_ = std::max(last_, key);
    std::string name = key.substr(prefix_.size(), end - prefix_.size());
    if (name > after_ && is_component(name)) entries_.insert({std::move(name), is_directory});
  }

  const std::string prefix_, after_;
  const std::size_t limit_;
  std::set<Entry, ByName> entries_;
  std::string last_; // of what the store has told, in its order
};

} // namespace

// An object as content, read a piece a request.
class S3Driver::Object final : public Source {
public:
  Object(Bucket& bucket, std::string key, Bucket::Head head)
      : bucket_(bucket), key_(std::move(key)), head_(std::move(head)) {}

  std::uint64_t size() const override { return head_.size; }
  Result<> read(std::uint64_t offset, const Sink& sink) const override {
    while (offset < head_.size) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, head_.size - offset));
      BERTH_TRY(const std::string piece, bucket_.get_part(key_, head_.etag, offset, wanted));
      if (piece.size() != wanted) return fail(Code::io, key_ + ": a part of it has another size");
      BERTH_CHECK(sink(std::as_bytes(std::span(piece))));
      offset += piece.size();
    }
    return {};
  }
  bool is_in(const Bucket& bucket) const { return &bucket_ == &bucket; }
  const std::string& key() const { return key_; }
  const Bucket::Head& head() const { return head_; }

private:
  Bucket& bucket_;
  const std::string key_;
  const Bucket::Head head_;
};

S3Driver::S3Driver(Bucket& bucket, std::string root_directory)
    : bucket_(bucket), prefix_(root_directory.empty() ? "" : std::move(root_directory) + "/") {}

Result<std::string> S3Driver::key_of(const std::string& path) const {
  if (!is_path(path)) return fail(Code::invalid, "not a path of the store: " + path);
  return prefix_ + path.substr(1);
}

Result<FileInfo> S3Driver::stat(const std::string& path) {
  BERTH_TRY(const std::string key, key_of(path));
  const auto head = bucket_.head(key);
  if (head) return FileInfo{.size = head->size, .version = version_of(head->etag), .changed = head->changed};
  if (!is(head.error(), Code::not_found)) return std::unexpected(head.error());
  BERTH_TRY(const Listing below, bucket_.list({.prefix = key + "/", .most = 1}));
  if (below.keys.empty() && below.prefixes.empty()) return missing(path);
  return FileInfo{.is_directory = true};
}

Result<std::vector<Entry>> S3Driver::list(const std::string& path, const std::string& after, std::size_t limit) {
  BERTH_TRY(const std::string key, key_of(path));
  const std::string prefix = key + "/";
  Names names(prefix, after, limit);
  // Names behind it are behind it as keys too.
  Bucket::Asks asks{.prefix = prefix, .after = after.empty() ? "" : prefix + after, .most = max_page};
  do {
    BERTH_TRY(const Listing page, bucket_.list(asks));
    names.add(page);
    asks.token = page.next;
  } while (!asks.token.empty() && !names.are_enough());
  if (names.saw_any()) return names.take();
  if (after.empty()) return missing(path);
  BERTH_TRY(const Listing any, bucket_.list({.prefix = prefix, .most = 1}));
  if (any.keys.empty() && any.prefixes.empty()) return missing(path);
  return std::vector<Entry>();
}

Result<std::string> S3Driver::get_content(const std::string& path, std::size_t max_bytes) {
  BERTH_TRY(const std::string key, key_of(path));
  return bucket_.get(key, max_bytes);
}

Result<Content> S3Driver::open(const std::string& path) {
  BERTH_TRY(std::string key, key_of(path));
  BERTH_TRY(Bucket::Head head, bucket_.head(key));
  return Content::from(std::make_unique<Object>(bucket_, std::move(key), std::move(head)));
}

Result<Location> S3Driver::locate(const std::string& path) {
  BERTH_TRY(const std::string key, key_of(path));
  BERTH_TRY(std::string url, bucket_.url_of(key));
  return StoredUrl{std::move(url)};
}

Result<> S3Driver::put_scratch(const std::string& path, std::string_view bytes) {
  BERTH_TRY(const std::string key, key_of(path));
  return bucket_.put(key, bytes);
}

Result<> S3Driver::put_content(const std::string& key, const Content& content) {
  const auto* object = dynamic_cast<const Object*>(content.source());
  if (object == nullptr || !object->is_in(bucket_)) return bucket_.put(key, content);
  if (object->key() == key) return {}; // S3 refuses to copy an object to itself
  return bucket_.copy(object->key(), object->head(), key);
}

// What stays is durable as it is.
Result<> S3Driver::put(std::vector<PutFile> files) {
  for (const PutFile& file : files) {
    BERTH_TRY(const std::string key, key_of(file.path));
    if (file.content) BERTH_CHECK(put_content(key, *file.content));
  }
  return {};
}

Result<Version> S3Driver::put_if(const std::string& path, std::string_view bytes,
                                 const std::optional<Version>& expected) {
  BERTH_TRY(const std::string key, key_of(path));
  const auto etag = expected ? std::optional(etag_of(*expected)) : std::nullopt;
  BERTH_TRY(const std::string now, bucket_.put_if(key, bytes, etag));
  const auto version = version_of(now);
  if (!version) return fail(Code::unsupported, path + ": the object store's ETags are too long to be compared");
  return *version;
}

Result<bool> S3Driver::remove_below(const std::string& key) {
  bool was_any = false;
  Bucket::Asks asks{.prefix = key + "/", .by_level = false, .most = max_page};
  do {
    BERTH_TRY(Listing page, bucket_.list(asks));
    asks.token = page.next;
    was_any = was_any || !page.keys.empty();
    BERTH_CHECK(bucket_.remove(std::move(page.keys)));
  } while (!asks.token.empty());
  return was_any;
}

Result<> S3Driver::remove(const std::string& path, Durability) {
  BERTH_TRY(const std::string key, key_of(path));
  const auto head = bucket_.head(key);
  if (head) return bucket_.remove(key);
  if (!is(head.error(), Code::not_found)) return std::unexpected(head.error());
  BERTH_TRY(const bool was_any, remove_below(key));
  if (!was_any) return missing(path);
  return {};
}

Result<> S3Driver::discard(const std::string& directory) {
  BERTH_TRY(const std::string key, key_of(directory));
  BERTH_TRY(const bool was_any, remove_below(key));
  if (!was_any) return missing(directory);
  return {};
}

Result<> S3Driver::settle(const std::string& directory) {
  BERTH_CHECK(key_of(directory));
  return {};
}

} // namespace berth::driver::s3
