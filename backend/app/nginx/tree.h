// nginx's configuration for one config.yml: the hand-written files of nginx/, and beside them generated/, the fragments
// that say what the config decides.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace berth::app {

// Where nginx answers for its health, in the run directory, if it does.
inline constexpr const char* health_socket = "health.sock";

struct NginxSettings {
  std::string binary;           // absolute
  std::string static_files;     // the directory of the hand-written files
  bool has_http2_directive;     // nginx 1.25.1 and newer: `http2 on;`
  std::string user;             // `user group` of the workers; empty: nginx is not started as root
  std::string socket;           // how nginx names the pool's socket
  std::string certificate = {}; // how nginx names the certificate and its key; empty: as the config does
  std::string key = {};
  std::string client_cas = {}; // the text of http.tls.clientcas
  // Where the pool has its PullGate, and that nginx's log of pulls is read (pull_log.h); empty: neither, and the pool
  // is asked about all pulls that somebody has to decide or to count.
  std::string pull_gate = {};
  // Whether it listens on health_socket. A killed nginx leaves that, and the next cannot listen there: only for those
  // who remove it before they start one.
  bool answers_health = false;
  // What nginx is handed to listen on (HandedSockets::nginx_addresses); empty: http.addr.
  std::vector<std::string> listen = {};
  std::string test_listen = {}; // for `nginx -t`, which listens: where, instead of on the addresses; empty: on those
};

// Finds the binary and the static files, and asks the binary for its version.
// Errors: invalid; the message names what was looked for, and where.
Result<NginxSettings> find_nginx(const config::Config& config);

// The fragments by file name.
std::map<std::string, std::string> nginx_fragments(const config::Config& config, const NginxSettings& settings);

// Makes directory hold a copy of the static files and the fragments, replacing such a copy that was there.
// Errors: storage_full, io; invalid if the directory holds something else.
Result<> write_nginx_tree(const std::string& directory, const config::Config& config, const NginxSettings& settings);

} // namespace berth::app
