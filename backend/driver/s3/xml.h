// The documents of S3's REST API. Errors: corrupt for what is no such document.
// Threads: safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::driver::s3 {

struct Failure {
  std::string code;    // NoSuchKey; empty: it is no error document
  std::string message; // shortened
  std::string region;  // where the bucket is, if the store says so
};
// Of any bytes: a reply without a body has an empty code.
Failure parse_failure(std::string_view text);

struct Listing {
  std::vector<std::string> keys, prefixes; // in the store's order, each by itself
  std::string next;                        // the token of the next page; empty: this is the last one
};
Result<Listing> parse_listing(std::string_view text);

Result<std::string> parse_upload_id(std::string_view text);
// Of a copied part. Errors: also for a document that is an error.
Result<std::string> parse_copied_etag(std::string_view text);
// The keys that a DeleteObjects did not delete, with the code of the first of them.
struct Undeleted {
  std::vector<std::string> keys;
  std::string code;
};
Result<Undeleted> parse_undeleted(std::string_view text);

std::string deletion_of(const std::vector<std::string>& keys);
std::string completion_of(const std::vector<std::string>& etags); // of parts 1, 2, ...

} // namespace berth::driver::s3
