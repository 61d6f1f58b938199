#include "api/request_events.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/encoding.h"
#include "http/headers.h"
#include "model/media_types.h"

namespace berth::api {
namespace {

bool is_ip(std::string_view text) {
  in6_addr buffer{};
  const std::string copy(text);
  return ::inet_pton(AF_INET, copy.c_str(), &buffer) == 1 || ::inet_pton(AF_INET6, copy.c_str(), &buffer) == 1;
}

} // namespace

std::string basic_user(const http::Request& request) {
  constexpr std::string_view scheme = "basic ";
  const std::string_view value = request.headers.get("Authorization");
  if (value.size() <= scheme.size() || http::to_lower(value.substr(0, scheme.size())) != scheme) return {};
  std::string text(http::trim(value.substr(scheme.size())));
  std::ranges::replace(text, '+', '-'); // the alphabets of base64 and base64url
  std::ranges::replace(text, '/', '_');
  const auto pair = from_base64url(text);
  if (!pair || !pair->contains(':')) return {};
  return pair->substr(0, pair->find(':'));
}

std::string client_address(const http::Request& request) {
  const std::string_view forwarded = request.headers.get("X-Forwarded-For");
  if (const auto first = http::trim(forwarded.substr(0, forwarded.find(','))); is_ip(first)) return std::string(first);
  if (const std::string_view real = request.headers.get("X-Real-Ip"); is_ip(real)) return std::string(real);
  if (request.remote_port.empty()) return request.remote_addr;
  const bool bracketed = request.remote_addr.contains(':');
  return (bracketed ? "[" + request.remote_addr + "]" : request.remote_addr) + ":" + request.remote_port;
}

notify::Target RequestEvents::content(const model::RepositoryName& repository, std::string_view kind,
                                      std::string digest) const {
  notify::Target target;
  target.repository = repository.str();
  target.url = locations_.absolute("v2/" + repository.str() + "/" + std::string(kind) + "/" + digest);
  target.digest = std::move(digest);
  return target;
}

void RequestEvents::blob(notify::Action action, const model::RepositoryName& repository,
                         const model::Descriptor& descriptor) {
  if (!wanted()) return;
  notify::Target target = content(repository, "blobs", descriptor.digest.str());
  target.media_type = model::media::octet_stream;
  target.size = descriptor.size;
  tell(action, std::move(target));
}

void RequestEvents::mounted(const model::RepositoryName& repository, const model::Descriptor& descriptor,
                            std::string from) {
  if (!wanted()) return;
  notify::Target target = content(repository, "blobs", descriptor.digest.str());
  target.media_type = model::media::octet_stream;
  target.size = descriptor.size;
  target.from_repository = std::move(from);
  tell(notify::Action::mount, std::move(target));
}

void RequestEvents::manifest(notify::Action action, const model::RepositoryName& repository,
                             std::string_view media_type, const std::string& digest, std::string_view bytes,
                             const std::string& tag) {
  if (!wanted()) return;
  notify::Target target = content(repository, "manifests", digest);
  target.media_type = media_type;
  target.size = bytes.size();
  target.tag = tag;
  if (settings_.include_references) target.references = notify::references_of(bytes);
  tell(action, std::move(target));
}

void RequestEvents::deleted(const model::RepositoryName& repository, const model::Digest& digest) {
  if (!wanted()) return;
  notify::Target target;
  target.repository = repository.str();
  target.digest = digest.str();
  tell(notify::Action::remove, std::move(target));
}

void RequestEvents::untagged(const model::RepositoryName& repository, const model::Tag& tag) {
  if (!wanted()) return;
  notify::Target target;
  target.repository = repository.str();
  target.tag = tag.str();
  tell(notify::Action::remove, std::move(target));
}

void RequestEvents::tell(notify::Action action, notify::Target target) {
  if (request_id_.empty()) request_id_ = uuid4(*settings_.random);
  notify::Event event;
  event.id = uuid4(*settings_.random);
  event.time = clock_.now();
  event.action = action;
  event.target = std::move(target);
  event.request = {request_id_, client_address(request_), std::string(request_.headers.get("Host")), request_.method,
                   std::string(request_.headers.get("User-Agent"))};
  event.actor = basic_user(request_);
  event.source = settings_.source;
  settings_.listener->record(event);
}

} // namespace berth::api
