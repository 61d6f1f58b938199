// Large objects: sent, or copied, in parts.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "driver/s3/bucket.h"
#include "driver/s3/hashes.h"

namespace berth::driver::s3 {
namespace {

constexpr std::uint64_t least_part = std::uint64_t{16} << 20;
constexpr std::uint64_t copied_part = std::uint64_t{1} << 30;
constexpr std::uint64_t wanted_parts = 9000; // S3 takes 10,000
constexpr unsigned side_by_side = 8;

std::uint64_t part_size(std::uint64_t all, std::uint64_t least) {
  return std::max(least, (all + wanted_parts - 1) / wanted_parts);
}

} // namespace

// An upload that S3 puts together when it is completed; what is destroyed before that is aborted.
class Bucket::Multipart {
public:
  static Result<Multipart> begin(Bucket& bucket, const std::string& key, std::uint64_t size) {
    BERTH_TRY(const client::HttpReply reply,
              bucket.requests_.send(
                  {.method = "POST", .key = key, .query = {{"uploads", ""}}, .headers = bucket.headers_of_new()}));
    BERTH_TRY(std::string id, parse_upload_id(reply.body));
    return Multipart(bucket, key, std::move(id), size);
  }
  Multipart(Multipart&& other) noexcept
      : bucket_(other.bucket_), key_(std::move(other.key_)), id_(std::exchange(other.id_, {})), size_(other.size_) {}
  Multipart& operator=(Multipart&&) = delete;
  ~Multipart() {
    if (id_.empty()) return;
    // Should this fail too, the parts are left to the bucket's rule for what is incomplete.
    const auto aborted = bucket_.requests_.send({.method = "DELETE", .key = key_, .query = {{"uploadId", id_}}});
    static_cast<void>(aborted);
  }

  // Numbers count from 1. Returns the part's ETag.
  Result<std::string> put_part(unsigned number, std::string_view bytes) {
    Asked asked = part(number);
    asked.body = bytes;
    asked.payload_hash = bucket_.requests_.is_secure() ? std::string(unsigned_payload) : sha256_hex(bytes);
    return send(std::move(asked));
  }
  Result<std::string> put_part(unsigned number, const client::FilePart& file) {
    Asked asked = part(number);
    asked.file = file;
    asked.payload_hash = unsigned_payload;
    if (!bucket_.requests_.is_secure()) {
      BERTH_TRY(asked.payload_hash, sha256_hex_of(file));
    }
    return send(std::move(asked));
  }
  Result<std::string> copy_part(unsigned number, const std::string& from, const std::string& etag, std::uint64_t offset,
                                std::uint64_t size) {
    Asked asked = part(number);
    asked.headers = {
        {"x-amz-copy-source", "/" + bucket_.requests_.options().bucket + "/" + uri_encode(from, Slash::kept)},
        {"x-amz-copy-source-if-match", etag},
        {"x-amz-copy-source-range", "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1)}};
    asked.pace = Pace::work;
    BERTH_TRY(const client::HttpReply reply, bucket_.requests_.send(asked));
    return parse_copied_etag(reply.body);
  }

  Result<> complete(const std::vector<std::string>& etags) {
    const std::string body = completion_of(etags);
    const auto reply = bucket_.requests_.send({.method = "POST",
                                               .key = key_,
                                               .query = {{"uploadId", id_}},
                                               .headers = {{"content-type", "application/xml"}},
                                               .body = body,
                                               .payload_hash = sha256_hex(body),
                                               .pace = Pace::work});
    if (reply) {
      const Failure failure = parse_failure(reply->body);
      if (!failure.code.empty())
        return fail(Code::unavailable, "the object store did not put the parts together: " + failure.code);
      id_.clear();
      return {};
    }
    // It was complete already, and the answer to that was lost.
    if (is(reply.error(), Code::not_found)) {
      const auto there = bucket_.head(key_);
      if (there && there->size == size_) {
        id_.clear();
        return {};
      }
    }
    return std::unexpected(reply.error());
  }

private:
  Multipart(Bucket& bucket, std::string key, std::string id, std::uint64_t size)
      : bucket_(bucket), key_(std::move(key)), id_(std::move(id)), size_(size) {}

  Asked part(unsigned number) const {
    return {.method = "PUT",
            .key = key_,
            .query = {{"partNumber", std::to_string(number)}, {"uploadId", id_}},
            .pace = Pace::transfer};
  }
  Result<std::string> send(const Asked& asked) {
    bucket_.parts_.acquire();
    const auto reply = bucket_.requests_.send(asked);
    bucket_.parts_.release();
    if (!reply) return std::unexpected(reply.error());
    std::string etag(reply->header("etag"));
    if (etag.empty()) return fail(Code::io, "the object store gives a part no ETag");
    return etag;
  }

  Bucket& bucket_;
  std::string key_, id_; // id: empty: there is nothing to abort
  std::uint64_t size_;
};

namespace {

// Calls put(i) for 0 to count - 1, several at once, until one fails. Returns the results in order.
template <class Put>
Result<std::vector<std::string>> side_by_side_of(std::size_t count, const Put& put) {
  std::vector<std::string> results(count);
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  Error first;
  const auto work = [&] {
    while (!failed) {
      const std::size_t mine = next++;
      if (mine >= count) return;
      auto result = put(mine);
      if (result) {
        results[mine] = *std::move(result);
        continue;
      }
      const std::lock_guard lock(mutex);
      if (!failed.exchange(true)) first = std::move(result).error();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min<std::size_t>(count, side_by_side); ++i) threads.emplace_back(work);
    work();
  }
  if (failed) return std::unexpected(std::move(first));
  return results;
}

} // namespace

Result<> Bucket::put_large(const std::string& key, const Content& content) {
  const std::uint64_t size = content.size(), each = part_size(size, least_part);
  BERTH_TRY(Multipart upload, Multipart::begin(*this, key, size));
  std::vector<std::string> etags;
  if (content.is_file()) {
    BERTH_TRY(etags, side_by_side_of((size + each - 1) / each, [&](std::size_t i) {
                const std::uint64_t offset = i * each;
                return upload.put_part(static_cast<unsigned>(i + 1),
                                       client::FilePart{content.fd(), offset, std::min(each, size - offset)});
              }));
    return upload.complete(etags);
  }
  // What comes in pieces is sent part by part: one is in memory.
  std::string part;
  const auto send = [&]() -> Result<> {
    BERTH_TRY(std::string etag, upload.put_part(static_cast<unsigned>(etags.size() + 1), part));
    etags.push_back(std::move(etag));
    part.clear();
    return {};
  };
  const auto all = content.read([&](std::span<const std::byte> bytes) -> Result<> {
    while (!bytes.empty()) {
      const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(each - part.size(), bytes.size()));
      part.append(reinterpret_cast<const char*>(bytes.data()), more);
      bytes = bytes.subspan(more);
      if (part.size() == each) BERTH_CHECK(send());
    }
    return {};
  });
  if (!all) return std::unexpected(all.error());
  if (!part.empty()) BERTH_CHECK(send());
  return upload.complete(etags);
}

Result<> Bucket::copy_large(const std::string& from, const Head& head, const std::string& to) {
  const std::uint64_t each = part_size(head.size, copied_part);
  BERTH_TRY(Multipart upload, Multipart::begin(*this, to, head.size));
  BERTH_TRY(const auto etags, side_by_side_of((head.size + each - 1) / each, [&](std::size_t i) {
              const std::uint64_t offset = i * each;
              return upload.copy_part(static_cast<unsigned>(i + 1), from, head.etag, offset,
                                      std::min(each, head.size - offset));
            }));
  return upload.complete(etags);
}

} // namespace berth::driver::s3
