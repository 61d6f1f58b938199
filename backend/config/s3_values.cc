#include "config/s3_values.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "config/config.h"
#include "config/readers.h"

namespace berth::config {
namespace {

std::unexpected<Error> allow(std::string what) { return fail(Code::invalid, std::move(what)); }

Result<std::string> matching(const Node& node, const char* form, const char* what) {
  if (!node.is_scalar() || node.text.size() > max_text_value_bytes || !RE2::FullMatch(node.text, form))
    return allow(what);
  return node.text;
}

constexpr std::array<std::string_view, 8> storage_classes{"STANDARD",   "REDUCED_REDUNDANCY", "STANDARD_IA",
                                                          "ONEZONE_IA", "OUTPOSTS",           "INTELLIGENT_TIERING",
                                                          "GLACIER_IR", "EXPRESS_ONEZONE"};
constexpr std::array<std::string_view, 7> acls{"private",
                                               "public-read",
                                               "public-read-write",
                                               "aws-exec-read",
                                               "authenticated-read",
                                               "bucket-owner-read",
                                               "bucket-owner-full-control"};

template <std::size_t N>
std::string any_of(const std::array<std::string_view, N>& words) {
  std::string text;
  for (const std::string_view word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

} // namespace

Result<std::string> to_bucket(const Node& node) {
  return matching(node, "[A-Za-z0-9][A-Za-z0-9._-]{1,254}", "a bucket's name");
}

Result<std::string> to_region(const Node& node) {
  return matching(node, "[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "a region, as in eu-central-1");
}

Result<std::string> to_endpoint(const Node& node) {
  BERTH_TRY(std::string text, matching(node, R"((https?://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?)",
                                       "a host, host:port, or an http or https URL of nothing else"));
  if (text.ends_with('/')) text.pop_back();
  return text;
}

Result<std::string> to_redirect_endpoint(const Node& node) {
  if (!node.text.starts_with("http")) return allow("an http or https URL without a path");
  auto endpoint = to_endpoint(node);
  if (!endpoint) return allow("an http or https URL without a path");
  return endpoint;
}

Result<std::string> to_key(const Node& node) { return matching(node, "[!-~]*", "printable ASCII without blanks"); }

Result<std::string> to_key_prefix(const Node& node) {
  BERTH_TRY(std::string text, matching(node, R"([^\x00-\x1f\x7f]*)", "a directory in the bucket"));
  while (text.ends_with('/')) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of('/'), text.size()));
  return text;
}

Result<std::string> to_header_text(const Node& node) { return matching(node, "[ -~]*", "printable ASCII"); }

Result<std::string> to_storage_class(const Node& node) {
  std::string word = node.is_scalar() ? node.text : "";
  std::ranges::transform(word, word.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  if (word == "NONE") return std::string();
  if (std::ranges::find(storage_classes, word) == storage_classes.end())
    return allow(any_of(storage_classes) + ", NONE");
  return word;
}

Result<std::string> to_acl(const Node& node) {
  if (!node.is_scalar() || std::ranges::find(acls, node.text) == acls.end()) return allow(any_of(acls));
  return node.text;
}

Result<> refuse_old_signatures(const Reading& reading) {
  BERTH_TRY(const bool are_new, to_flag(reading.node));
  if (are_new) return {};
  return allow("true: berth signs by version 4 alone, as every store that is kept takes it");
}

std::string Config::Storage::shown() const {
  if (!is_in_bucket()) return root;
  return "s3://" + s3.bucket + (s3.root_directory.empty() ? "" : "/" + s3.root_directory) +
         (s3.endpoint.empty() ? " in " + s3.region : " at " + s3.endpoint);
}

} // namespace berth::config
