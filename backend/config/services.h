// The sections of config.yml that say how berth is watched, guarded and joined to other services; parts of Config.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "config/duration.h"

namespace berth::config {

using HeaderList = std::vector<std::pair<std::string, std::vector<std::string>>>;

enum class LogFormat { text, json, logstash };

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::vector<std::pair<std::string, std::string>> fields; // on every line
  bool access_disabled = false;                            // log.accesslog.disabled
};

// storage.maintenance.uploadpurging
struct Purging {
  bool enabled = true;
  Duration age = std::chrono::hours(168);
  Duration interval = std::chrono::hours(24);
  bool dry_run = false;
};

// storage.s3
struct S3 {
  std::string bucket;     // empty: the store is in a file system
  std::string access_key; // both or none: then they are looked for (docs/configuration.md)
  std::string secret_key;
  std::string region;   // empty with an endpoint of one's own, if none is given
  std::string endpoint; // a host, host:port or URL of nothing else; empty: that of AWS
  std::optional<bool> force_path_style;
  std::string root_directory; // without slashes around it
  std::string storage_class;  // empty: none is named
  std::string acl;
  bool encrypt = false;
  std::string key_id;
  bool secure = true, skip_verify = false;
  bool dual_stack = false, accelerate = false, fips = false; // which of AWS's endpoints
  std::string user_agent = "berth";
  std::string redirect_endpoint; // scheme and host
};

// berth.collection
struct Collection {
  bool enabled = false;
  Duration interval = std::chrono::hours(1);
  Duration grace = std::chrono::hours(24);
  std::optional<Duration> untagged; // how old a manifest without a tag is when it goes; absent: never
  // How long a repository has had nothing in it when it goes; absent: it stays.
  std::optional<Duration> empty_repositories = std::chrono::hours(24);
};

// berth.verify
struct Verification {
  bool enabled = false;
  Duration interval = std::chrono::hours(720); // in which every blob is read once
  std::uint64_t rate = 0;                      // bytes a second; 0: as many as nobody else wants
};

struct Debug {
  std::string addr; // [host]:port; empty: no debug server
  bool prometheus = false;
  std::string prometheus_path = "/metrics";

  // Whether requests are counted, and the counts shown.
  bool counts() const { return prometheus && !addr.empty(); }
};

struct Health {
  // How often a check is made, and how many failures in a row count as one.
  struct Pace {
    Duration interval = std::chrono::seconds(10);
    int threshold = 0; // 0 and 1: the first
  };
  struct Storage : Pace {
    bool enabled = false;
  } storage;
  struct File : Pace {
    std::string file; // absolute; fails while it exists
  };
  struct Http : Pace {
    std::string uri;
    HeaderList headers;
    int status = 200; // the one that is health
    Duration timeout{};
  };
  struct Tcp : Pace {
    std::string addr; // host:port
    Duration timeout{};
  };
  std::vector<File> files;
  std::vector<Http> https;
  std::vector<Tcp> tcps;
};

// Either spelling: that of docker/distribution 2 (addr, pool.*) or that of 3 (addrs and the options of go-redis).
struct Redis {
  std::vector<std::string> addrs; // host:port; empty: not configured
  std::string client_name, username, password;
  std::string sentinel_master; // not empty: addrs are those of sentinels
  int db = 0;
  Duration dial_timeout{}, read_timeout{}, write_timeout{}; // 0: the client's own
  int max_idle = 0, max_active = 0;                         // connections; 0: the client's own
  Duration idle_timeout{};                                  // 0: the client's own
  std::string tls_certificate, tls_key;                     // absolute paths
  std::vector<std::string> tls_root_cas;
};

struct NotificationEndpoint {
  std::string name; // if none is given, the URL without its secrets
  std::string url;
  HeaderList headers;
  Duration timeout = std::chrono::seconds(1);
  int threshold = 10;
  Duration backoff = std::chrono::seconds(1);
  bool disabled = false;
  std::vector<std::string> ignored_media_types; // of either spelling
  std::vector<std::string> ignored_actions;
};

struct Notifications {
  std::vector<NotificationEndpoint> endpoints;
  bool include_references = false;
};

} // namespace berth::config
