#include "config/defaults.h"

#include <unistd.h>

#include <array>

#include "config/address.h"

namespace berth::config {
namespace {

// This host's name, as it may stand in a path.
std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer[0] == '\0') return "localhost";
  std::string name(buffer.data());
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!plain) c = '_';
  }
  if (name[0] == '.') name[0] = '_';
  return name;
}

} // namespace

Result<> fill_defaults(Config& config) {
  BERTH_TRY(const ListenAddress address, parse_listen_address(config.http.addr));
  std::string beside_the_store = config.storage.root + "/berth";
  if (config.storage.is_in_bucket()) { // then what is berth's own is all that there is on this host
    if (!config.berth.state_directory.empty()) beside_the_store = config.berth.state_directory;
    config.storage.root = beside_the_store;
  }
  const std::string own = "/" + host_name() + "-" + std::to_string(address.port);
  auto& berth = config.berth;
  if (berth.state_directory.empty()) berth.state_directory = beside_the_store;
  if (berth.run_directory.empty()) berth.run_directory = berth.state_directory + own + "/run";
  if (berth.spool.empty()) berth.spool = beside_the_store + own + "/spool";
  if (berth.access.robots.empty()) berth.access.robots = berth.state_directory + "/robots";
  if (berth.socket.empty()) berth.socket = berth.run_directory + "/pool.sock";
  return {};
}

} // namespace berth::config
