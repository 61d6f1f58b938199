// The commands of berth, as main.cc calls them. Each returns the process's exit code: 0 done; 1 it failed while
// running; 2 bad usage or bad configuration.
#pragma once

#include <string>

namespace berth::app {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;

// The whole registry in the foreground: nginx and the pool.
int up(const std::string& config_path);
// The pool alone, on the listening socket that is fd 0, or else on berth.socket.
int serve(const std::string& config_path);
// nginx's half of the configuration: the whole tree into a directory, or, if that is empty, the fragments to stdout.
int nginx(const std::string& config_path, const std::string& output);
// Enters the manifests that another registry wrote among the referrers of their subjects.
int index_referrers(const std::string& config_path);

} // namespace berth::app
