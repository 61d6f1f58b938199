// The sections of config.yml that say who may use the registry; parts of Config.
#pragma once

#include <string>
#include <vector>

#include "config/duration.h"

namespace berth::config {

// The `auth` section: one kind of access control, as docker/distribution has them.
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
  struct Group {
    std::string origin; // FILE:LINE
    std::string name;
    std::vector<std::string> members; // NAME, user:NAME, robot:NAME, cert:NAME; one at least
  };
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
    std::string bind_dn, bind_password_file; // of the account that searches; empty: an anonymous search
    std::string base, filter = "(uid={user})";
    std::string group_attribute = "memberOf"; // of the user's entry; a group's name is the first component of its DN
  };
  struct Certificates {
    std::string subject; // uri, dns, cn; empty: certificates say nothing of who comes
    std::string pattern;
  };
  bool given = false; // whether there is a section: without one there are no rules
  std::vector<Group> groups;
  std::vector<Rule> rules; // one at least, if there is a section; each has who, repositories and may
  Duration token_lifetime = std::chrono::seconds(900);
  Duration refresh_lifetime{}; // 0: no refresh tokens
  std::string robots;          // file, absolute; default <state_directory>/robots
  std::string saslauthd;       // socket, absolute; empty: not asked
  std::string saslauthd_service = "berth";
  std::vector<Issuer> issuers;
  Ldap ldap;
  Certificates certificates;
};

} // namespace berth::config
