#include "config/refuse.h"

namespace berth::config {
namespace {

constexpr std::size_t max_shown_bytes = 160; // of a value, in a message

// A value as a message shows it.
std::string show(const Node& node, Secrecy secrecy) {
  if (secrecy == Secrecy::secret) return "(secret)";
  if (node.is_null()) return "(nothing)";
  if (node.is_map()) return "(a map)";
  if (node.is_list()) return "(a list)";
  std::string shown = "\"";
  for (const char c : node.text.substr(0, max_shown_bytes)) shown += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return shown + (node.text.size() > max_shown_bytes ? "…\"" : "\"");
}

} // namespace

std::unexpected<Error> refuse(const Node& node, std::string_view path, const std::string& allowed, Secrecy secrecy) {
  return fail(Code::invalid,
              node.origin + ": " + std::string(path) + ": " + show(node, secrecy) + ": allowed is " + allowed);
}

std::unexpected<Error> refuse_missing(const Node& where, std::string_view path, const std::string& allowed) {
  Node nothing;
  nothing.origin = where.origin;
  return refuse(nothing, path, allowed);
}

} // namespace berth::config
