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

namespace {

// A middleware that is not switched off; nullptr without one.
const Node* first_middleware(const Node& list) {
  for (const Node& item : list.items) {
    const Node* disabled = item.find("disabled");
    if (const auto off = disabled ? to_flag(*disabled) : Result<bool>(false); !off || !*off) return &item;
  }
  return nullptr;
}

} // namespace

Result<> refuse_middleware(const Reading& reading) {
  if (is_empty(reading.node) || !first_middleware(reading.node)) return {};
  return fail(Code::invalid, "nothing, or what is disabled: whatever it does, a registry without it is another one");
}

Result<> warn_of_storage_middleware(const Reading& reading) {
  if (const Node* found = first_middleware(reading.node))
    reading.warnings.push_back(found->origin + ": " + std::string(reading.path) +
                               ": without effect: nginx sends the blobs itself");
  return {};
}

Result<> warn_of_mail(const Reading& reading) {
  if (const Node* found = first_middleware(reading.node))
    reading.warnings.push_back(found->origin + ": " + std::string(reading.path) +
                               ": without effect: berth sends no mail; let what collects its log do so");
  return {};
}

Result<> refuse_proxy(const Reading& reading) {
  if (is_empty(reading.node) || (reading.node.is_map() && !holds(reading.node, "remoteurl"))) return {};
  return fail(Code::invalid,
              "nothing: berth cannot be a pull-through cache yet, and does not start a registry of its own "
              "in its place");
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
