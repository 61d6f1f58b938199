// The commands of berth, as main.cc calls them. Each returns the process's exit code: 0 done; 1 it failed while
// running; 2 bad usage or bad configuration.
#pragma once

#include <string>

#include "app/commands/progress.h"
#include "app/pool/pool.h"

namespace berth::app {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;

// The whole registry in the foreground: nginx and the pool.
int up(const std::string& config_path);
// The pool alone, on the listening socket that is fd 0, or else on berth.socket; for v1 alone, on berth.v1.socket.
int serve(const std::string& config_path, PoolApi serves);
// nginx's half of the configuration: the whole tree into a directory, or, if that is empty, the fragments to stdout.
// NginxSettings says what answers_health asks for.
int nginx(const std::string& config_path, const std::string& output, bool answers_health);
// Enters the manifests that another registry wrote among the referrers of their subjects.
int index_referrers(const std::string& config_path, Loudness loudness);
// Whether the configuration is good, nginx's half included: nothing is started, and nothing written outside a temporary
// directory. The warnings go to stderr, as does the complaint.
int check_config(const std::string& config_path);
// Removes abandoned uploads once, as storage.maintenance.uploadpurging says, whether it is enabled or not; a dry run
// only names them.
enum class PurgeRun { as_configured, dry };
int purge_uploads(const std::string& config_path, PurgeRun run, Loudness loudness);
// Prints every key of config.yml and what becomes of it, as docs/configuration.md has it.
int config_keys();

} // namespace berth::app
