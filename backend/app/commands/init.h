// `berth init`: a directory with all that a registry needs to start: config.yml, a certificate of a private CA, perhaps
// a first user. Nothing that is there is overwritten.
#pragma once

#include <string>
#include <vector>

namespace berth::app {

struct InitOptions {
  std::string directory = ".";
  std::vector<std::string> hosts; // of the certificate; empty: this host's name and those of the loopback
  std::string address = ":5000";  // http.addr
  std::string user;               // for auth.htpasswd, whose password is asked for; empty: everybody may do everything
  bool plain_http = false;
  bool renew = false; // a new certificate of the CA that is there, and nothing else
};

// The exit code.
int init(const InitOptions& options);

} // namespace berth::app
