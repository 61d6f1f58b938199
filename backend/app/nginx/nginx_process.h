// NginxProcess: the nginx of `berth up`: its configuration below the run directory, the certificate it serves, and how
// a new pair of both takes the place of the old.
//
// nginx reads certificate and key not from their files but from two memory files that it inherits. What was checked is
// what is served, whoever changes the files meanwhile; nginx needs no root to read a key that root alone can read; and
// the key is written to no disk.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "api/debug/answers.h"
#include "app/nginx/certificate.h"
#include "app/nginx/tree.h"
#include "app/pool/nginx_before.h"
#include "app/supervisor/handed_sockets.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace berth::app {

class NginxProcess {
public:
  // An nginx that listens on the sockets that were handed over, if there are any. instance: as log lines have it.
  // Errors: io.
  static Result<NginxProcess> make(NginxSettings settings, std::string run_directory, std::string instance,
                                   HandedSockets sockets = {});

  static constexpr std::size_t kept_files = 6;
  // What a program needs that takes this one's place while nginx runs on (app/supervisor/succession.h).
  struct Kept {
    std::uint64_t generation = 0;
    std::vector<int> files; // certificate and key: those in use, staged, and of before
    std::vector<int> sockets;
  };
  Kept kept() const;
  const HandedSockets& sockets() const { return sockets_; }
  // Requires: kept is what kept() of a program with the same run directory said.
  static NginxProcess resume(NginxSettings settings, std::string run_directory, std::string instance, const Kept& kept);

  // Writes a configuration beside the one in use, and lets nginx test it with the certificate (empty: no TLS). Whether
  // nginx may listen on the addresses is tested without listening: who waits for the port would be let in and dropped.
  // Errors: invalid, with what nginx said; storage_full, io.
  Result<> stage(const config::Config& config, const CertificatePair& pair);
  // For the pool of what was staged last. The place of its PullGate is another one each time, so that no pool meddles
  // with what another has let through, and what it has let through ends with a reload.
  NginxBefore staged() const { return {settings_.pull_gate, certificate_ends_}; }
  // Removes those that pools have left which were killed. Requires: no pool runs.
  void remove_pull_gates();
  // Puts what was staged where nginx looks; then either settle() or revert() follows. Errors: io, and nothing changed.
  Result<> install();
  void settle();
  Result<> revert();

  // From the first to the second, replies end their connections (nginx/snippets/server/drain.conf). Errors: io.
  Result<> start_drain();
  void end_drain();

  // The body of nginx's process, which logs through the relay (log_relay.h) as log says, with its pulls counted in
  // pulls; spool_lock is inherited by nginx, and held as long as one of its processes lives.
  int run(const config::Log& log, const UniqueFd& spool_lock, api::debug::Answers& pulls) const;
  // Forgets the certificate and the sockets: for processes that are not nginx.
  void close();

private:
  using PairFiles = std::array<UniqueFd, 2>; // certificate, key
  struct Serving {
    int spool_lock = -1;
    const config::Log* log = nullptr;
    api::debug::Answers* pulls = nullptr;   // with log
    const config::Config* tested = nullptr; // nginx only tests this: no lock, and no log
  };

  NginxProcess(NginxSettings settings, std::string run_directory, std::string instance, HandedSockets sockets);
  int execute_nginx(std::vector<std::string> arguments, const PairFiles& pair, Serving serving) const;

  NginxSettings settings_;
  std::string run_directory_;
  std::string instance_;
  HandedSockets sockets_;
  std::optional<Time> certificate_ends_; // of what was staged last
  std::uint64_t generation_ = 0;         // how often something was staged
  std::string tree_; // <run directory>/nginx; tree_ + ".new" is staged, tree_ + ".old" was in use before
  PairFiles live_;
  PairFiles staged_;
  PairFiles previous_;
};

} // namespace berth::app
