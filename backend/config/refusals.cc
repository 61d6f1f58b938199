// Readers of keys that berth cannot honour yet and must not pass over: a config that asks for less than an open,
// writable registry never starts one.
#include <algorithm>

#include "config/readers.h"

namespace berth::config {
namespace {

// Whether a map has a key that holds something.
bool holds(const Node& node, std::string_view key) {
  const Node* found = node.find(key);
  return found && !found->is_null() && !(found->is_scalar() && found->text.empty());
}

bool is_empty(const Node& node) {
  if (node.is_scalar()) return node.text.empty();
  return node.items.empty() &&
         std::ranges::all_of(node.members, [](const Member& member) { return member.value.is_null(); });
}

} // namespace

Result<> refuse_auth(const Reading& reading) {
  const Node& node = reading.node;
  const bool none = node.is_scalar()
                        ? node.text == "none" || node.text.empty()
                        : node.items.empty() && std::ranges::all_of(node.members, [](const Member& member) {
                            return member.key == "none";
                          });
  if (none) return {};
  return fail(Code::invalid,
              "only none: berth cannot control access yet, and does not start an open registry in its place");
}

Result<> refuse_proxy(const Reading& reading) {
  if (is_empty(reading.node) || (reading.node.is_map() && !holds(reading.node, "remoteurl"))) return {};
  return fail(Code::invalid,
              "nothing: berth cannot be a pull-through cache yet, and does not start a registry of its own "
              "in its place");
}

Result<> refuse_read_only(const Reading& reading) {
  const Node* enabled = reading.node.find("enabled");
  if (is_empty(reading.node) || (reading.node.is_map() && (!enabled || enabled->is_null()))) return {};
  if (enabled) {
    BERTH_TRY(const bool asked, to_flag(*enabled));
    if (!asked) return {};
  }
  return fail(Code::invalid,
              "enabled: false alone: berth has no read-only mode yet, and does not start a writable registry "
              "in its place");
}

Result<> refuse_client_certificates(const Reading& reading) {
  if (is_empty(reading.node)) return {};
  return fail(Code::invalid,
              "nothing: berth cannot check clients' certificates yet, and does not start an open registry in "
              "its place");
}

Result<> refuse_lets_encrypt(const Reading& reading) {
  if (is_empty(reading.node) || (reading.node.is_map() && !holds(reading.node, "cachefile"))) return {};
  return fail(Code::invalid, "nothing: berth does not fetch certificates; use http.tls.certificate and http.tls.key");
}

Result<> refuse_unix_listener(const Reading& reading) {
  if (reading.node.is_scalar() && (reading.node.text == "tcp" || reading.node.text.empty())) return {};
  return fail(Code::invalid, "tcp");
}

} // namespace berth::config
