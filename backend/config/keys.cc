#include "config/keys.h"

#include <algorithm>
#include <cstdint>

#include "config/readers.h"

#define FIELD(member) [](Config& config) -> auto& { return config.member; }

namespace berth::config {
namespace {

using enum Standing;
constexpr auto scalar = Shape::scalar;
constexpr auto tree = Shape::tree;

Result<> read_nothing(const Reading&) { return {}; }

// clang-format off
constexpr Key table[] = {
  {"version", works, scalar, read_nothing, "the version of this format; 0.1"}, // checked before all others, in load.cc

  {"loglevel", works, scalar, value<FIELD(log_level), to_level>, "the old spelling of log.level"},
  {"log.level", works, scalar, value<FIELD(log_level), to_level>, "error, warn, info or debug"},
  {"log.formatter", later, scalar, nullptr, "the form of a log line"},
  {"log.fields", later, tree, nullptr, "fields to add to every log line"},
  {"log.accesslog", later, tree, nullptr, "one line a request"},
  {"log.hooks", later, tree, nullptr, "mail on errors"},
  {"log.reportcaller", ignored, scalar, nullptr, "names places in docker/distribution's source"},

  {"storage.filesystem.rootdirectory", works, scalar, value<FIELD(storage.root), to_path>, "the directory that holds everything"},
  {"storage.filesystem.maxthreads", ignored, scalar, nullptr, "berth.threads bounds what runs at once"},
  {"storage.cache.layerinfo", works, scalar, read_descriptor_cache, "the old spelling of storage.cache.blobdescriptor"},
  {"storage.cache.blobdescriptor", works, scalar, read_descriptor_cache, "where descriptors are remembered: inmemory or redis"},
  {"storage.cache.blobdescriptorsize", works, scalar, integer<FIELD(storage.cache_entries), 1, 10'000'000>, "how many descriptors are remembered"},
  {"storage.delete.enabled", works, scalar, value<FIELD(storage.delete_enabled), to_flag>, "whether clients may delete"},
  {"storage.redirect.disable", ignored, scalar, nullptr, "the filesystem store never redirects"},
  {"storage.maintenance.uploadpurging", later, tree, nullptr, "removal of abandoned uploads"},
  {"storage.maintenance.readonly", works, tree, refuse_read_only, "whether clients may only read"},
  {"storage.tag.concurrencylimit", ignored, scalar, nullptr, "berth reads a repository's tags in one pass"},

  {"auth", works, tree, refuse_auth, "who may do what"},
  {"middleware", later, tree, nullptr, "what stands between registry and store"},
  {"reporting", ignored, tree, nullptr, "services that docker/distribution itself has dropped"},

  {"http.addr", works, scalar, value<FIELD(http.addr), to_address>, "where nginx listens: [host]:port"},
  {"http.net", works, scalar, refuse_unix_listener, "the kind of http.addr: tcp"},
  {"http.host", works, scalar, value<FIELD(http.host), to_base_url>, "the absolute URL that clients use; default: as the request has it"},
  {"http.prefix", works, scalar, value<FIELD(http.prefix), to_prefix>, "what stands before /v2/ in every path"},
  {"http.secret", works, scalar, value<FIELD(http.secret), to_text>, "the key that signs upload state; default: one kept in the store", Secrecy::secret},
  {"http.relativeurls", works, scalar, value<FIELD(http.relative_urls), to_flag>, "whether Location has no scheme and host"},
  {"http.headers", works, tree, value<FIELD(http.headers), to_headers>, "headers that nginx adds to every reply"},
  {"http.tls.certificate", works, scalar, value<FIELD(http.tls_certificate), to_path>, "PEM file: the certificate, then its chain"},
  {"http.tls.key", works, scalar, value<FIELD(http.tls_key), to_path>, "PEM file: the certificate's private key"},
  {"http.tls.clientcas", works, tree, refuse_client_certificates, "who signs the certificates of clients"},
  {"http.tls.clientauth", later, scalar, nullptr, "how strictly clients' certificates are checked"},
  {"http.tls.letsencrypt", works, tree, refuse_lets_encrypt, "certificates from Let's Encrypt"},
  {"http.tls.minimumtls", later, scalar, nullptr, "the oldest TLS to speak; now 1.2"},
  {"http.tls.ciphersuites", later, tree, nullptr, "the cipher suites of TLS 1.2"},
  {"http.draintimeout", later, scalar, nullptr, "how long a stop waits for requests in flight; now 30s"},
  {"http.debug", later, tree, nullptr, "the debug server"},
  {"http.http2", later, tree, nullptr, "HTTP/2; now on with TLS"},
  {"http.h2c", later, tree, nullptr, "HTTP/2 without TLS"},

  {"notifications", works, tree, read_notifications, "webhooks: where events are posted to", Secrecy::secret},
  {"redis", works, tree, read_redis, "the server of a shared descriptor cache", Secrecy::secret},
  {"health", later, tree, nullptr, "checks of the registry's own health"},
  {"proxy", works, tree, refuse_proxy, "pull-through from another registry"},
  {"compatibility.schema1.enabled", works, scalar, value<FIELD(schema1.enabled), to_flag>, "whether schema1 manifests may be pushed"},
  {"compatibility.schema1.signingkeyfile", works, scalar, value<FIELD(schema1.signing_key_file), to_path>, "signs schema1 manifests, PEM or JWK; default: kept in the store"},
  {"compatibility.schema1.disablesignaturestore", works, scalar, value<FIELD(schema1.discard_signatures), to_flag>, "whether each pull is signed anew"},
  {"policy", later, tree, nullptr, "what kinds of images a repository may hold"},

  {"validation.disabled", works, scalar, value<FIELD(validation.disabled), to_flag>, "whether layer URLs and the parts of an index go unchecked"},
  {"validation.enabled", works, scalar, read_validation_enabled, "the old spelling; true outweighs validation.disabled"},
  {"validation.manifests.urls.allow", works, tree, value<FIELD(validation.url_allow), to_patterns>, "regular expressions: the layer URLs that may be named"},
  {"validation.manifests.urls.deny", works, tree, value<FIELD(validation.url_deny), to_patterns>, "regular expressions: those that may not"},
  {"validation.manifests.indexes.platforms", works, scalar, value<FIELD(validation.index_platforms), to_index_platforms>, "which parts of an index must exist: all, none or list"},
  {"validation.manifests.indexes.platformlist", works, tree, value<FIELD(validation.platform_list), to_platforms>, "for `list`: maps of architecture and os"},

  {"catalog.maxentries", works, scalar, integer<FIELD(catalog_max_entries), 1, 1'000'000>, "the longest page of _catalog"},
  {"tags.maxtags", works, scalar, integer<FIELD(tags_max), 1, 1'000'000>, "the longest page of tags/list"},

  {"berth.threads", works, scalar, integer<FIELD(berth.threads), 1, 1024>, "requests that the pool works on at once"},
  {"berth.rundirectory", works, scalar, value<FIELD(berth.run_directory), to_path>, "sockets, locks and the rendered nginx configuration"},
  {"berth.spool", works, scalar, value<FIELD(berth.spool), to_path>, "where nginx puts uploads; on the same file system as the store, for berth alone"},
  {"berth.socket", works, scalar, value<FIELD(berth.socket), to_path>, "the unix socket between nginx and pool"},
  {"berth.user", works, scalar, value<FIELD(berth.user), to_user>, "started as root: who serves; default: the owner of the store"},
  {"berth.notifications.maxqueue", works, scalar, integer<FIELD(berth.notification_queue_bytes), 1 << 20, std::int64_t{1} << 50>, "bytes that an endpoint's queue may take"},
  {"berth.notifications.version", works, scalar, integer<FIELD(berth.events_version), 1, 2>, "the v of events.v1+json: 1 as docker/distribution 2, 2 as 3"},
  {"berth.nginx.binary", works, scalar, value<FIELD(berth.nginx_binary), to_path>, "the nginx to run; default: from PATH"},
  {"berth.nginx.directory", works, scalar, value<FIELD(berth.nginx_directory), to_path>, "berth's static nginx configuration; default: beside the program"},
};
// clang-format on

bool lies_in(std::string_view path, std::string_view section) {
  return section.empty() || (path.size() > section.size() && path.starts_with(section) && path[section.size()] == '.');
}

} // namespace

std::span<const Key> keys() { return table; }

const Key* find_key(std::string_view path) {
  for (const Key& key : table)
    if (key.path == path || (key.shape == Shape::tree && lies_in(path, key.path))) return &key;
  return nullptr;
}

bool is_section(std::string_view path) {
  return std::ranges::any_of(table, [&](const Key& key) { return lies_in(key.path, path); });
}

std::vector<std::string> names_in(std::string_view section) {
  std::vector<std::string> names;
  for (const Key& key : table) {
    if (!lies_in(key.path, section)) continue;
    const std::string_view rest = key.path.substr(section.empty() ? 0 : section.size() + 1);
    std::string name(rest.substr(0, rest.find('.')));
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

} // namespace berth::config
