#include "api/request_events.h"

#include <arpa/inet.h>

#include <utility>

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

void RequestEvents::put(const model::RepositoryName& repository, PutManifest manifest) {
  if (!wanted()) return;
  finish(); // of a manifest before this one
  put_.emplace(Put{repository, std::move(manifest)});
}

bool RequestEvents::tagged(const model::RepositoryName& repository, const model::CanonicalDigest& manifest,
                           const model::Tag& tag) {
  if (!put_ || put_->repository != repository || put_->manifest.canonical != manifest) return false;
  put_->has_tag = true;
  const PutManifest& put = put_->manifest;
  this->manifest(notify::Action::push, repository, put.media_type, put.client_digest, put.bytes, tag.str());
  return true;
}

void RequestEvents::pulled(const model::RepositoryName& repository, const model::Reference& reference) const {
  if (!settings_.pulled) return;
  const std::string_view agent = request_.headers.get("User-Agent");
  if (const auto* tag = std::get_if<model::Tag>(&reference))
    settings_.pulled(repository, tag->str(), agent);
  else if (request_.method != "HEAD")
    settings_.pulled(repository, std::get<model::Digest>(reference).str(), agent);
}

void RequestEvents::finish() {
  if (!put_) return;
  const Put put = *std::exchange(put_, std::nullopt);
  if (!put.has_tag)
    manifest(notify::Action::push, put.repository, put.manifest.media_type, put.manifest.client_digest,
             put.manifest.bytes, {});
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

void RequestEvents::removed(const model::RepositoryName& repository) {
  if (!wanted()) return;
  notify::Target target;
  target.repository = repository.str();
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
  event.actor = caller_.user;
  event.source = settings_.source;
  settings_.listener->record(event);
}

} // namespace berth::api
