#include "driver/s3/bucket.h"

#include <algorithm>
#include <charconv>

#include "driver/s3/hashes.h"
#include "driver/s3/http_time.h"

namespace berth::driver::s3 {
namespace {

constexpr std::size_t max_xml_bytes = std::size_t{8} << 20; // a page of 1000 keys of 1 KiB has some 2 MiB
constexpr std::size_t max_error_bytes = std::size_t{64} << 10;
constexpr std::uint64_t max_single_put = std::uint64_t{64} << 20;
constexpr std::uint64_t max_single_put_of_source = std::uint64_t{16} << 20; // which is in memory meanwhile
constexpr std::uint64_t max_single_copy = std::uint64_t{5} << 30;
constexpr std::size_t max_deletions = 1000;
constexpr std::size_t small_bytes = std::size_t{256} << 10; // what is sent as quickly as a question
constexpr std::size_t max_quick_get = std::size_t{8} << 20; // manifests and links: who waits for one waits for seconds

} // namespace

Bucket::Bucket(Requests& requests)
    : requests_(requests), parts_(static_cast<std::ptrdiff_t>(std::max(1U, requests.options().connections / 2))) {}

// What docker/distribution sends with every object that it makes.
Pairs Bucket::headers_of_new() const {
  const Options& options = requests_.options();
  Pairs headers{{"content-type", "application/octet-stream"}};
  if (!options.acl.empty()) headers.emplace_back("x-amz-acl", options.acl);
  if (!options.storage_class.empty()) headers.emplace_back("x-amz-storage-class", options.storage_class);
  if (options.encrypt)
    headers.emplace_back("x-amz-server-side-encryption", options.key_id.empty() ? "AES256" : "aws:kms");
  if (options.encrypt && !options.key_id.empty())
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options.key_id);
  return headers;
}

Result<Bucket::Head> Bucket::head(const std::string& key) {
  BERTH_TRY(const client::HttpReply reply, requests_.send({.method = "HEAD", .key = key}));
  Head head{.size = 0, .etag = std::string(reply.header("etag")), .changed = {}};
  const std::string_view length = reply.header("content-length");
  if (std::from_chars(length.data(), length.data() + length.size(), head.size).ec != std::errc())
    return fail(Code::io, "HEAD " + key + ": the object store says no length");
  head.changed = parse_http_time(reply.header("last-modified"));
  return head;
}

Result<std::string> Bucket::get(const std::string& key, std::size_t max_bytes) {
  BERTH_TRY(client::HttpReply reply,
            requests_.send({.method = "GET",
                            .key = key,
                            .max_reply_bytes = std::max(max_bytes, max_error_bytes),
                            .pace = max_bytes <= max_quick_get ? Pace::quick : Pace::transfer}));
  if (reply.body.size() > max_bytes) return fail(Code::size_invalid, "the object is too large");
  return std::move(reply.body);
}

Result<std::string> Bucket::get_part(const std::string& key, const std::string& etag, std::uint64_t offset,
                                     std::size_t size) {
  const std::string range = "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1);
  BERTH_TRY(client::HttpReply reply, requests_.send({.method = "GET",
                                                     .key = key,
                                                     .headers = {{"range", range}, {"if-match", etag}},
                                                     .max_reply_bytes = std::max(size, max_error_bytes),
                                                     .pace = Pace::transfer}));
  if (reply.status != 206) return fail(Code::io, "GET " + key + ": the object store sends no ranges");
  return std::move(reply.body);
}

Result<Listing> Bucket::list(const Asks& asks) {
  Pairs query{{"list-type", "2"}, {"prefix", asks.prefix}, {"max-keys", std::to_string(asks.most)}};
  if (asks.by_level) query.emplace_back("delimiter", "/");
  if (!asks.after.empty()) query.emplace_back("start-after", asks.after);
  if (!asks.token.empty()) query.emplace_back("continuation-token", asks.token);
  BERTH_TRY(const client::HttpReply reply,
            requests_.send(
                {.method = "GET", .query = std::move(query), .max_reply_bytes = max_xml_bytes, .pace = Pace::list}));
  return parse_listing(reply.body);
}

Asked Bucket::put_of(const std::string& key) const {
  return {.method = "PUT", .key = key, .headers = headers_of_new()};
}

Result<> Bucket::put(const std::string& key, std::string_view bytes) {
  Asked asked = put_of(key);
  asked.body = bytes;
  asked.payload_hash = sha256_hex(bytes);
  asked.pace = bytes.size() <= small_bytes ? Pace::quick : Pace::transfer;
  BERTH_CHECK(requests_.send(asked));
  return {};
}

Result<> Bucket::put(const std::string& key, const Content& content) {
  if (content.is_in_memory()) return put(key, content.bytes());
  if (content.size() > (content.is_file() ? max_single_put : max_single_put_of_source)) return put_large(key, content);
  if (!content.is_file()) {
    BERTH_TRY(const std::string bytes, read_all(content));
    return put(key, bytes);
  }
  Asked asked = put_of(key);
  asked.file = client::FilePart{content.fd(), 0, content.size()};
  BERTH_TRY(asked.payload_hash, sha256_hex_of(*asked.file));
  asked.pace = content.size() <= small_bytes ? Pace::quick : Pace::transfer;
  BERTH_CHECK(requests_.send(asked));
  return {};
}

Result<std::string> Bucket::put_if(const std::string& key, std::string_view bytes,
                                   const std::optional<std::string>& etag) {
  Asked asked = put_of(key);
  asked.headers.emplace_back(etag ? "if-match" : "if-none-match", etag ? *etag : "*");
  asked.body = bytes;
  asked.payload_hash = sha256_hex(bytes);
  asked.repeat = Repeat::once;
  const auto reply = requests_.send(asked);
  // What is not there does not have the ETag either.
  if (!reply && is(reply.error(), Code::not_found)) return fail(Code::busy, reply.error().message);
  if (!reply) return std::unexpected(reply.error());
  return std::string(reply->header("etag"));
}

Result<> Bucket::copy(const std::string& from, const Head& head, const std::string& to) {
  if (head.size > max_single_copy) return copy_large(from, head, to);
  Asked asked = put_of(to);
  asked.headers.emplace_back("x-amz-copy-source",
                             "/" + requests_.options().bucket + "/" + uri_encode(from, Slash::kept));
  asked.headers.emplace_back("x-amz-copy-source-if-match", head.etag);
  asked.pace = Pace::work;
  BERTH_TRY(const client::HttpReply reply, requests_.send(asked));
  // An answer that began well may end as an error, after minutes.
  if (const Failure failure = parse_failure(reply.body); !failure.code.empty())
    return fail(Code::unavailable, "the object store did not copy: " + failure.code);
  return {};
}

Result<> Bucket::remove(const std::string& key) {
  const auto reply = requests_.send({.method = "DELETE", .key = key});
  if (!reply && !is(reply.error(), Code::not_found)) return std::unexpected(reply.error());
  return {};
}

Result<> Bucket::remove(std::vector<std::string> keys) {
  while (!keys.empty()) {
    const std::size_t first = keys.size() > max_deletions ? keys.size() - max_deletions : 0;
    const std::vector<std::string> some(std::make_move_iterator(keys.begin() + static_cast<std::ptrdiff_t>(first)),
                                        std::make_move_iterator(keys.end()));
    keys.resize(first);
    BERTH_CHECK(remove_up_to_1000(some));
  }
  return {};
}

Result<> Bucket::remove_up_to_1000(const std::vector<std::string>& keys) {
  if (keys.size() == 1) return remove(keys.front());
  const std::string body = deletion_of(keys);
  const auto reply =
      requests_.send({.method = "POST",
                      .query = {{"delete", ""}},
                      .headers = {{"content-type", "application/xml"}, {"content-md5", md5_base64(body)}},
                      .body = body,
                      .payload_hash = sha256_hex(body),
                      .max_reply_bytes = max_xml_bytes,
                      .pace = Pace::work});
  if (!reply && !is(reply.error(), Code::io)) return std::unexpected(reply.error());
  if (!reply) { // some stores that are like S3 have no deletion of many
    for (const std::string& key : keys) BERTH_CHECK(remove(key));
    return {};
  }
  BERTH_TRY(const Undeleted undeleted, parse_undeleted(reply->body));
  if (undeleted.keys.empty()) return {};
  return fail(Code::io, "DELETE " + undeleted.keys.front() + ": the object store answered " + undeleted.code);
}

} // namespace berth::driver::s3
