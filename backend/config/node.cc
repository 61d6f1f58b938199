#include "config/node.h"

#include <utility>

namespace berth::config {

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

const Node* Node::at(std::string_view path) const {
  const Node* node = this;
  while (node && !path.empty()) {
    const auto dot = path.find('.');
    node = node->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return node;
}

void unfold(Node& node) {
  if (!node.is_scalar()) return;
  Node inner;
  inner.origin = node.origin;
  node.members.push_back({std::exchange(node.text, {}), node.origin, std::move(inner)});
  node.kind = Node::Kind::map;
}

} // namespace berth::config
