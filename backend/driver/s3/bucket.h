// Bucket: the objects of one bucket: whole ones, under keys, with what S3 can do to them. Knows no paths.
// Errors: as Requests::send().
// Threads: safe. Borrows: the requests.
#pragma once

#include <cstdint>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/content.h"
#include "base/result.h"
#include "driver/s3/requests.h"
#include "driver/s3/xml.h"

namespace berth::driver::s3 {

class Bucket {
public:
  struct Head {
    std::uint64_t size = 0;
    std::string etag;
    std::optional<Time> changed;
  };

  explicit Bucket(Requests& requests);

  Result<Head> head(const std::string& key);
  // The whole object. Errors: size_invalid if it is larger.
  Result<std::string> get(const std::string& key, std::size_t max_bytes);
  // [offset, offset + size) of an object, less where it ends, if it still is the one of the ETag: else busy.
  Result<std::string> get_part(const std::string& key, const std::string& etag, std::uint64_t offset, std::size_t size);
  // Keys that begin with the prefix and come after `after`; with a delimiter, those with a slash behind the prefix
  // count once. token: of the page before.
  struct Asks {
    std::string prefix;
    std::string after = {};
    bool by_level = true;
    std::size_t most = 1000;
    std::string token = {};
  };
  Result<Listing> list(const Asks& asks);

  // Of any size; a large one in parts, several at once where it is a file. What fails leaves nothing.
  Result<> put(const std::string& key, const Content& content);
  Result<> put(const std::string& key, std::string_view bytes);
  // If the object has the ETag or, without one, if there is none. Returns the new ETag. Errors: busy.
  Result<std::string> put_if(const std::string& key, std::string_view bytes, const std::optional<std::string>& etag);
  // Within the store. size, etag: of what is copied, which has to be that still.
  Result<> copy(const std::string& from, const Head& head, const std::string& to);
  // Nothing if it is not there.
  Result<> remove(const std::string& key);
  Result<> remove(std::vector<std::string> keys);

  Result<std::string> url_of(const std::string& key) { return requests_.url_of(key); }

private:
  class Multipart; // a large object on its way (multipart.cc)

  Pairs headers_of_new() const;
  Asked put_of(const std::string& key) const;
  Result<> put_large(const std::string& key, const Content& content);
  Result<> copy_large(const std::string& from, const Head& head, const std::string& to);
  Result<> remove_up_to_1000(const std::vector<std::string>& keys);

  Requests& requests_;
  std::counting_semaphore<> parts_; // that may be on their way at once, so that questions are asked too
};

} // namespace berth::driver::s3
