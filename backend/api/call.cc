#include "api/call.h"

namespace berth::api {

void send_stored(http::Response& response, Location stored, std::uint64_t size) {
  if (auto* file = std::get_if<StoredFile>(&stored)) {
    response.body = http::StoreFile{std::move(file->path), size};
  } else if (auto* elsewhere = std::get_if<StoredUrl>(&stored)) {
    response.status = 307;
    response.headers.add("Location", std::move(elsewhere->url));
    response.headers.set("Cache-Control", "no-store"); // the URL ends long before the blob does
  } else {
    response.body = std::get<std::string>(std::move(stored));
  }
}

Result<> told_of_tag(const model::Tag& tag, Result<> tagged) {
  if (tagged || !is(tagged.error(), Code::exists)) return tagged;
  return fail(Code::denied, "the tag " + tag.str() + " exists, and you may add tags only");
}

} // namespace berth::api
