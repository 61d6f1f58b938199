// The table of every key that berth knows: one line a key. To add one, add its member to Config and its line to
// keys.cc; messages, warnings, environment variables and docs/configuration.md follow.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/node.h"

namespace berth::config {

// How berth treats a key.
enum class Standing {
  works,   // read into Config, and in force
  nginx,   // the same, through nginx: rendered into its fragments
  ignored, // accepted, without effect on berth; the doc says why
  refused, // a config that asks for it does not load; the doc says why
};
std::string_view word_for(Standing standing); // as the documentation calls it

// The kind of value that a key has.
enum class Shape {
  scalar,
  tree, // anything, read as a whole
  list, // maps, whose keys have rows of their own: "health.tcp[].addr" under "health.tcp"; read is called for each map
};

// One key being read. The value is not null.
struct Reading {
  const Node& node;
  std::string_view path;
  Config& config;
  std::vector<std::string>& warnings;
};

// Puts the value into Config. Errors: invalid, the message says what is allowed; the loader names place, key and value.
using Reader = Result<> (*)(const Reading&);

enum class Secrecy { open, secret }; // a secret value is never shown

struct Key {
  std::string_view path; // "http.tls.key"
  Standing standing;
  Shape shape;
  Reader read; // nullptr: nothing is read
  std::string_view doc;
  Secrecy secrecy = Secrecy::open;
};

// Later lines win over earlier ones: an old spelling stands before the new one.
std::span<const Key> keys();

// The key with this very path, or the tree that it lies in; nullptr without one.
const Key* find_key(std::string_view path);
// Whether keys lie below the path: "http.tls".
bool is_section(std::string_view path);
// The names that may follow a section, "" being the top.
std::vector<std::string> names_in(std::string_view section);

// The table as a page of documentation shows it: a Markdown table, one row a key.
std::string keys_as_markdown();

} // namespace berth::config
