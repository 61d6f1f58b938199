#include "storage/paths.h"

#include <initializer_list>

namespace berth::storage::paths {
namespace {

const std::string root = "/docker/registry/v2";
const std::string v1_root = "/docker/registry/v1";

// The parts in one string, made at once: every request makes some paths.
std::string join(std::initializer_list<std::string_view> parts) {
  std::size_t bytes = 0;
  for (const std::string_view part : parts) bytes += part.size();
  std::string path;
  path.reserve(bytes);
  for (const std::string_view part : parts) path.append(part);
  return path;
}

// The part of a path that stands for a digest's algorithm: `sha256`, or `tarsum/v1/sha256`.
std::string algorithm_part(const Digest& digest) {
  const std::string_view label = digest.label();
  if (digest.algorithm() != model::Algorithm::tarsum) return std::string(label);
  const std::size_t plus = label.find('+');
  const std::size_t dot = label.find('.');
  const std::string_view version = dot == std::string_view::npos ? "v0" : label.substr(dot + 1, plus - dot - 1);
  return "tarsum/" + std::string(version) + "/" + std::string(label.substr(plus + 1));
}

std::string below(std::string_view directory, const Digest& digest, std::string_view then = {}) {
  return join({directory, "/", algorithm_part(digest), "/", digest.hex(), then});
}

// 256 locks of a kind: few enough that a deletion of many tags makes no files, and enough that two seldom wait for each
// other by chance.
constexpr std::size_t lock_digits = 2;
// A removal waits until nobody pushes to any repository of its lock.
constexpr std::size_t repository_lock_digits = 3;

std::string hash_of(const std::string& text) { return std::string(CanonicalDigest::of_bytes(text).hex()); }

std::string v1_directory(const ImageId& id) { return v1_images() + "/" + id.str(); }

} // namespace

std::string blob_data(const CanonicalDigest& digest) {
  const std::string_view hex = digest.hex();
  return join({root, "/blobs/", name_of(digest.algorithm()), "/", hex.substr(0, 2), "/", hex, "/data"});
}

std::string blob_shard(std::string_view digits) {
  return join({root, "/blobs/", name_of(CanonicalDigest::canonical_algorithm), "/", digits});
}
std::string parked_shard(std::string_view digits) {
  return join({"/berth/collected/", name_of(CanonicalDigest::canonical_algorithm), "/", digits});
}
std::string parked_blob(const CanonicalDigest& digest) {
  return join({parked_shard(digest.hex().substr(0, 2)), "/", digest.hex()});
}
std::vector<std::string> shards() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::vector<std::string> all;
  for (const char first : digits)
    for (const char second : digits) all.push_back({first, second});
  return all;
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string link_in(const std::string& directory) { return directory + "/link"; }
std::string parked_link(const std::string& link) { return directory_of(link) + "/collected"; }
std::string collection_began() { return "/berth/collected/began"; }
std::string collection_record() { return "/berth/collected/last"; }
std::string retention_began() { return "/berth/collected/retained"; }
std::string pulls_since() { return "/berth/pulls/since"; }
std::string new_pulls() { return "/berth/pulls/new"; }
std::string known_pulls() { return "/berth/pulls/known"; }
std::string removed() { return "/berth/removed"; }
std::string collection_lock() { return "/locks/collection"; }

std::string blobs() { return join({root, "/blobs/", name_of(CanonicalDigest::canonical_algorithm)}); }

std::string blob_aliases() { return "/berth/aliases"; }
std::string blob_alias(const Digest& digest) {
  return blob_aliases() + "/" + algorithm_part(digest) + "/" + std::string(digest.hex().substr(0, 2)) + "/" +
         std::string(digest.hex());
}

std::string verified_shard(std::string_view shard) { return join({"/berth/verify/", shard}); }
std::string verify_run() { return "/berth/verify/run"; }
std::string verify_record() { return "/berth/verify/last"; }
std::string verify_lock() { return "/locks/verify"; }
std::string damaged_blob(const CanonicalDigest& digest, Time found) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(found.time_since_epoch()).count();
  return join({"/berth/damaged/", name_of(digest.algorithm()), "/", digest.hex().substr(0, 2), "/", digest.hex(), ".",
               std::to_string(seconds)});
}

std::string repositories() { return root + "/repositories"; }
std::string repository(const RepositoryName& name) { return join({root, "/repositories/", name.str()}); }
std::string manifests(const RepositoryName& name) {
  return join({root, "/repositories/", name.str(), "/", manifests_directory});
}

std::string layers(const RepositoryName& name) { return join({root, "/repositories/", name.str(), "/_layers"}); }
std::string layer_link(const RepositoryName& name, const Digest& digest) {
  return below(layers(name), digest, "/link");
}
std::string revision_link(const RepositoryName& name, const Digest& digest) {
  // docker/distribution's garbage collector stumbles over a second revision link of one manifest.
  const bool canonical = digest.algorithm() == CanonicalDigest::canonical_algorithm;
  return below(canonical ? manifests(name) + "/revisions" : aliases(name), digest, "/link");
}
std::string revisions(const RepositoryName& name) {
  return manifests(name) + "/revisions/" + std::string(name_of(CanonicalDigest::canonical_algorithm));
}

std::string aliases(const RepositoryName& name) { return manifests(name) + "/aliases"; }

std::string referrers(const RepositoryName& name) { return manifests(name) + "/referrers"; }
std::string referrers(const RepositoryName& name, const Digest& subject) { return below(referrers(name), subject); }
std::string referrer(const RepositoryName& name, const Digest& subject, const Digest& digest) {
  return below(referrers(name, subject), digest);
}

std::string signatures(const RepositoryName& name, const CanonicalDigest& manifest) {
  return below(manifests(name) + "/revisions", manifest) + "/signatures";
}
std::string signature_link(const RepositoryName& name, const CanonicalDigest& manifest, const Digest& signature) {
  return below(signatures(name, manifest), signature) + "/link";
}

std::string tags(const RepositoryName& name) { return manifests(name) + "/tags"; }
std::string tag(const RepositoryName& name, const Tag& tag) {
  return join({root, "/repositories/", name.str(), "/", manifests_directory, "/tags/", tag.str()});
}
std::string tag_current_link(const RepositoryName& name, const Tag& t) {
  return join({root, "/repositories/", name.str(), "/", manifests_directory, "/tags/", t.str(), "/current/link"});
}
std::string tag_alias(const RepositoryName& name, const Tag& t) { return tag(name, t) + "/current/alias"; }
std::string tag_index_link(const RepositoryName& name, const Tag& t, const CanonicalDigest& digest) {
  return below(tag(name, t) + "/index", digest) + "/link";
}

std::string tag_lock(const RepositoryName& name, const Tag& tag) {
  return "/locks/t-" + hash_of(name.str() + ":" + tag.str()).substr(0, lock_digits);
}
std::string manifest_lock(const RepositoryName& name, const CanonicalDigest& digest) {
  return "/locks/m-" + hash_of(name.str() + "@" + digest.str()).substr(0, lock_digits);
}
std::string repository_lock(const RepositoryName& name) {
  return "/locks/r-" + hash_of(name.str()).substr(0, repository_lock_digits);
}
std::string removal(const RepositoryName& name, const CanonicalDigest& digest) {
  return "/berth/removals/" + hash_of(name.str() + "@" + digest.str());
}

std::string pools_lock() { return "/locks/pools"; }

std::string uploads(const RepositoryName& name) { return repository(name) + "/_uploads"; }
std::string upload(const RepositoryName& name, const UploadId& id) { return uploads(name) + "/" + id.str(); }
std::string upload_data(const RepositoryName& name, const UploadId& id) { return upload(name, id) + "/data"; }
std::string upload_started_at(const RepositoryName& name, const UploadId& id) {
  return upload(name, id) + "/startedat";
}
std::string upload_hash_states(const RepositoryName& name, const UploadId& id) {
  return upload(name, id) + "/hashstates/sha256";
}
std::string upload_hash_state(const RepositoryName& name, const UploadId& id, std::uint64_t offset) {
  return upload_hash_states(name, id) + "/" + std::to_string(offset);
}

std::string object_uploads() { return "/berth/uploads"; }
std::string object_upload(const UploadId& id) { return object_uploads() + "/" + id.str(); }

std::string v1_images() { return v1_root + "/images"; }
std::string v1_json(const ImageId& id) { return v1_directory(id) + "/json"; }
std::string v1_image(const ImageId& id) { return v1_directory(id) + "/image"; }
std::string v1_uploads(const ImageId& id) { return v1_directory(id) + "/uploads"; }
std::string v1_upload(const ImageId& id, const CanonicalDigest& payload) {
  return v1_uploads(id) + "/" + std::string(payload.hex());
}
std::string v1_lock(const ImageId& id) { return "/locks/v1-" + id.str().substr(0, 2); }
std::string v1_repositories(const ImageId& id) { return v1_directory(id) + "/repositories"; }
std::string v1_member(const ImageId& id, const RepositoryName& name) {
  return v1_repositories(id) + "/" + name.str() + "/" + v1_member_file;
}
std::string v1_pushed(const RepositoryName& name) { return v1_root + "/repositories/" + name.str() + "/_manifests"; }
std::string v1_pushed(const RepositoryName& name, const CanonicalDigest& manifest) {
  return below(v1_pushed(name), manifest) + "/image";
}
std::string v1_note(const RepositoryName& name, const model::Tag& tag) {
  return v1_notes(name) + "/" + tag.str() + "/note";
}
std::string v1_notes(const RepositoryName& name) { return v1_root + "/repositories/" + name.str() + "/_tags"; }

} // namespace berth::storage::paths
