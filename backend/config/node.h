// Node: a YAML document as plain values, each knowing where it was written. What the rest of config/ works on, so that
// only yaml.cc sees the YAML library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::config {

struct Member;

struct Node {
  enum class Kind { null, scalar, map, list };

  Kind kind = Kind::null;
  std::string origin;          // "config.yml:12", or the name of an environment variable
  std::string text;            // of a scalar
  std::vector<Member> members; // of a map, in the order written; no key twice
  std::vector<Node> items;     // of a list

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_map() const { return kind == Kind::map; }
  bool is_list() const { return kind == Kind::list; }

  // The value under a key of this map; nullptr without one, or if this is no map.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  // The value at a path of keys, "http.tls.key"; nullptr without one.
  const Node* at(std::string_view path) const;
};

struct Member {
  std::string key;
  std::string origin; // of the key
  Node value;
};

// Makes a map of a scalar, which becomes its one key with nothing under it: `storage: filesystem` is short for that.
void unfold(Node& node);

} // namespace berth::config
