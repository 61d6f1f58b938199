// Config: the typed form of config.yml, after environment overrides and defaults. The only folder that sees yaml-cpp.
// Spec: docs/configuration.md (docker/distribution "Configuring a registry", plus berth's own `berth:` section).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/access.h"
#include "config/retention.h"
#include "config/services.h"

namespace berth::config {

enum class IndexPlatforms { all, none, listed };

struct Platform {
  std::string architecture;
  std::string os;
};

enum class MinimumTls { v1_2, v1_3 };
enum class ClientAuth { request, require_any, verify_if_given, require_and_verify };

struct Config {
  Log log;

  struct Storage {
    // storage.filesystem.rootdirectory, absolute; of a store in a bucket: berth.statedirectory, nothing of it is there.
    std::string root = "/var/lib/registry";
    S3 s3;
    bool delete_enabled = false;
    bool cache_descriptors = false;    // storage.cache.blobdescriptor: inmemory
    bool cache_in_redis = false;       // storage.cache.blobdescriptor: redis
    std::size_t cache_entries = 10000; // storage.cache.blobdescriptorsize
    bool read_only = false;            // storage.maintenance.readonly.enabled
    Purging purging;

    bool is_in_bucket() const { return !s3.bucket.empty(); }
    // For logs: the directory, or s3://BUCKET/DIRECTORY.
    std::string shown() const;
  } storage;

  struct Validation {
    bool disabled = false;
    std::vector<std::string> url_allow; // RE2 patterns, already checked to compile
    std::vector<std::string> url_deny;
    IndexPlatforms index_platforms = IndexPlatforms::all;
    std::vector<Platform> platform_list;
    bool sparse_images = false; // berth.sparseimages: layers need not exist
  } validation;

  Notifications notifications;
  Redis redis;
  struct Schema1 {
    bool enabled = false;            // compatibility.schema1.enabled: they are taken
    bool discard_signatures = false; // compatibility.schema1.disablesignaturestore
    std::string signing_key_file;    // absolute; empty: app/ keeps a key in the store
  } schema1;

  std::vector<std::string> repository_classes; // policy.repository.classes: image, plugin; empty: anything
  int catalog_max_entries = 1000;
  int tags_max = 1000;

  struct Http {
    std::string addr = ":5000"; // [host]:port, as distribution writes it
    std::string host;           // absolute base URL of Location; empty: taken from the request
    std::string prefix = "/";   // begins and ends with a slash
    std::string secret;         // HMAC key of upload state; empty: app/ keeps one in the store
    bool relative_urls = false;
    HeaderList headers;          // added to every reply, by nginx
    std::string tls_certificate; // absolute paths; both empty: plain http
    std::string tls_key;
    std::vector<std::string> client_cas; // absolute paths; empty: clients need no certificate
    ClientAuth client_auth = ClientAuth::require_and_verify;
    MinimumTls minimum_tls = MinimumTls::v1_2;
    std::vector<std::string> ciphers; // of TLS 1.2, by OpenSSL's names; empty: those of nginx/snippets/http/tls.conf
    bool http2_disabled = false;
    std::optional<Duration> drain_timeout; // how long a stop waits for transfers
    Debug debug;
  } http;

  Auth auth;
  Health health;

  // berth's own section; every path is absolute after loading.
  struct Limits { // of one client's address, or of one /64 of IPv6; 0: none
    unsigned connections = 1000;
    unsigned uploads = 100;          // large bodies on their way at once
    unsigned slowest = 512;          // bytes a second that a request has to come with, at least
    std::vector<std::string> exempt; // networks of whose clients nothing is limited: "10.0.0.0/8"
  };
  struct ImmutableRule {
    std::string origin; // "FILE:LINE"
    std::vector<std::string> repositories, tags, except;
  };
  struct Berth {
    AccessRules access;
    std::vector<ImmutableRule> immutable, protected_tags;
    Retention retention;
    Limits limits;
    unsigned threads = 16;       // workers of the pool, [1, 1024]
    std::string state_directory; // default <root>/berth: one for all pools of a store
    std::string run_directory;   // default <state_directory>/<hostname>-<port>/run
    std::string spool;           // default <root>/berth/<hostname>-<port>/spool; same filesystem as the root
    std::string socket;          // default <run_directory>/pool.sock; a unix socket path
    std::string user;            // started as root: who serves; default: the owner of the storage root
    std::uint64_t notification_queue_bytes = std::uint64_t{1} << 30; // of one endpoint
    int events_version = 1;      // of the envelope's media type: 1 of docker/distribution 2, 2 of 3
    std::string nginx_binary;    // default: nginx found in PATH, /usr/sbin, /usr/local/sbin
    std::string nginx_directory; // the static files; default: ../nginx or ../share/berth/nginx beside the binary
    Duration nginx_reload_drain = std::chrono::seconds(5); // [0, 60s]
    bool v1_enabled = true;
    std::string v1_socket; // of a pool of its own for v1 (`berth serve --api v1`); empty: the pool's
    std::uint64_t v1_max_layer_bytes = std::uint64_t{16} << 30; // unpacked
    std::vector<std::string> trusted_proxies; // addresses and networks whose X-Forwarded-For is believed
    Collection collection;
    Verification verification;
    std::string v1_upstream; // https://host:port of another v1 registry, to which nginx passes /v1/; empty: none
  } berth;
};

struct Loaded {
  Config config;
  std::vector<std::string> warnings; // unknown keys and variables, what may surprise: one line each
  std::vector<std::string> notes;    // keys that are accepted and have no effect: one line each
};

// The environment as NAME=value pairs; only REGISTRY_* is looked at.
using Environment = std::vector<std::pair<std::string, std::string>>;

// A time with its unit, and a grace of berth.collection, as they stand in a config. Errors: invalid; the message says
// what is allowed.
Result<Duration> parse_age(const std::string& text);
Result<Duration> parse_grace(const std::string& text);

// Reads the file, applies the overrides, checks every value.
// Errors: invalid; the message is one line `FILE:LINE: key: "value": what is allowed`.
Result<Loaded> load(const std::string& path, const Environment& environment);
// The same for text in memory; name stands for the file in messages.
Result<Loaded> parse(const std::string& text, const std::string& name, const Environment& environment);

} // namespace berth::config
