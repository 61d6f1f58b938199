// The sections of config.yml that say how berth is watched, guarded and joined to other services; parts of Config.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

namespace berth::config {

using Duration = std::chrono::nanoseconds;
using HeaderList = std::vector<std::pair<std::string, std::vector<std::string>>>;

enum class LogFormat { text, json, logstash };

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::vector<std::pair<std::string, std::string>> fields; // on every line
  bool access_disabled = false;                            // log.accesslog.disabled
};

// Who may use the registry: one kind of access control, as docker/distribution has them.
struct Auth {
  enum class Kind { none, htpasswd, token, silly } kind = Kind::none;
  struct Htpasswd {
    std::string realm;
    std::string path; // absolute
  } htpasswd;
  struct Token {
    std::string realm; // the URL of the token service
    std::string service;
    std::string issuer;
    std::string root_certificates; // absolute paths
    std::string jwks;
    std::vector<std::string> algorithms;
    bool auto_redirect = false;
    std::string auto_redirect_path = "/auth/token";
  } token;
  struct Silly {
    std::string realm;
    std::string service;
  } silly;
};

// berth.access: berth's own rules (docs/access.md).
struct AccessRules {
  struct Rule {
    std::string origin; // FILE:LINE
    std::string who;
    std::vector<std::string> repositories, may;
  };
  struct Issuer { // of tokens of workloads: GitHub Actions, Kubernetes, GitLab, ...
    std::string origin, name;
    std::string url;                 // `iss`; its keys are found from there
    std::string audience;            // `aud` has it
    std::string jwks;                // the keys' own URL, or an absolute path; empty: by OpenID discovery
    std::vector<std::string> claims; // that rules may ask for
  };
  struct Ldap {
    std::string url; // ldap:// or ldaps://; empty: no directory
    bool start_tls = false;
    std::string ca;                          // absolute path; empty: the system's
    std::string bind_dn, bind_password_file; // of the account that searches; empty: nobody
    std::string base, filter = "(uid={user})";
    std::string group_attribute = "memberOf"; // of the user's entry; a group's name is the first component of its DN
  };
  struct Certificates {
    std::string subject; // uri, dns, cn; empty: certificates say nothing of who comes
    std::string pattern;
  };
  bool given = false; // whether there is a section: without one there are no rules
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  std::vector<Rule> rules;
  Duration token_lifetime = std::chrono::seconds(900);
  Duration refresh_lifetime{}; // 0: no refresh tokens
  std::string robots;          // file, absolute; default <root>/berth/robots
  std::string saslauthd;       // socket, absolute; empty: not asked
  std::string saslauthd_service = "berth";
  std::vector<Issuer> issuers;
  Ldap ldap;
  Certificates certificates;
};

// storage.maintenance.uploadpurging
struct Purging {
  bool enabled = true;
  Duration age = std::chrono::hours(168);
  Duration interval = std::chrono::hours(24);
  bool dry_run = false;
};

struct Debug {
  std::string addr; // [host]:port; empty: no debug server
  bool prometheus = false;
  std::string prometheus_path = "/metrics";
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
