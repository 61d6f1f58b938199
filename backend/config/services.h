// The sections of config.yml that join berth to other services; parts of Config.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace berth::config {

using Duration = std::chrono::nanoseconds;
using HeaderList = std::vector<std::pair<std::string, std::vector<std::string>>>;

// Either spelling: that of docker/distribution 2 (addr, pool.*) or that of 3 (addrs and the options of go-redis).
struct Redis {
  std::vector<std::string> addrs; // host:port; empty: not configured
  std::string client_name, username, password;
  std::string sentinel_master;
  int db = 0;
  Duration dial_timeout{}, read_timeout{}, write_timeout{}; // 0: the client's own
  int max_idle = 0, max_active = 0;                         // connections; 0: the client's own
  Duration idle_timeout{};                                  // 0: the client's own
  std::string tls_certificate, tls_key;                     // absolute paths
  std::vector<std::string> tls_root_cas;
};

struct NotificationEndpoint {
  std::string name;
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
