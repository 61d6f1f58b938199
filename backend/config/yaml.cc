#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace berth::config {
namespace {

// Builds Nodes from the parser's events. Whatever is wrong is thrown as the library throws it, through the library's
// own frames, and caught in parse_yaml.
class Builder final : public YAML::EventHandler {
public:
  Builder(const std::string& name, Origin origin) : name_(name), origin_(origin) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, make(mark, Node::Kind::null), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    Node node = make(mark, Node::Kind::scalar);
    node.text = value;
    add(mark, std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw YAML::ParserException(mark, "an alias to a value that contains it");
    count(mark, found->second.size);
    add(mark, found->second.node, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::list, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::map, anchor);
  }
  void OnMapEnd() override { close(); }

private:
  // A map or list whose end has not come yet.
  struct Open {
    Node node;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::size_t nodes_before;
    bool has_key = false; // of a map: the key came, its value has not
    std::string key;
    std::string key_origin;
    std::vector<Node> merged; // values of << keys
  };
  struct Anchored {
    Node node;
    std::size_t size;
  };

  std::string where(const YAML::Mark& mark) const {
    return origin_ == Origin::file ? name_ + ":" + std::to_string(mark.line + 1) : name_;
  }

  Node make(const YAML::Mark& mark, Node::Kind kind) {
    count(mark, 1);
    Node node;
    node.kind = kind;
    node.origin = where(mark);
    return node;
  }

  void count(const YAML::Mark& mark, std::size_t more) {
    nodes_ += more;
    if (nodes_ > max_nodes) throw YAML::ParserException(mark, "more than " + std::to_string(max_nodes) + " values");
  }

  void open(const YAML::Mark& mark, Node::Kind kind, YAML::anchor_t anchor) {
    if (stack_.size() == max_depth)
      throw YAML::ParserException(mark, "more than " + std::to_string(max_depth) + " levels deep");
    const std::size_t before = nodes_;
    stack_.push_back({make(mark, kind), mark, anchor, before, false, {}, {}, {}});
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    for (Node& merged : done.merged) merge(done.node, merged);
    add(done.mark, std::move(done.node), done.anchor, nodes_ - done.nodes_before);
  }

  void add(const YAML::Mark& mark, Node node, YAML::anchor_t anchor, std::size_t size = 1) {
    if (anchor != 0) anchors_[anchor] = {node, size};
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      take_key(mark, parent, node);
    } else {
      take_value(mark, parent, std::move(node));
    }
  }

  void take_key(const YAML::Mark& mark, Open& parent, const Node& node) {
    if (!node.is_scalar()) throw YAML::ParserException(mark, "a key must be a word");
    if (parent.node.find(node.text)) throw YAML::ParserException(mark, "\"" + node.text + "\" is given twice");
    parent.key = node.text;
    parent.key_origin = node.origin;
    parent.has_key = true;
  }

  void take_value(const YAML::Mark& mark, Open& parent, Node node) {
    parent.has_key = false;
    if (node.is_null()) node.origin = parent.key_origin; // the parser's own mark is that of the next word
    if (parent.key != "<<") {
      parent.node.members.push_back({std::move(parent.key), std::move(parent.key_origin), std::move(node)});
      return;
    }
    std::vector<Node> sources;
    if (node.is_list())
      sources = std::move(node.items);
    else
      sources.push_back(std::move(node));
    for (Node& source : sources) {
      if (!source.is_map()) throw YAML::ParserException(mark, "<<: only a map can be merged");
      parent.merged.push_back(std::move(source));
    }
  }

  // The map's own keys win over those that are merged into it.
  static void merge(Node& into, Node& from) {
    for (Member& member : from.members)
      if (!into.find(member.key)) into.members.push_back(std::move(member));
  }

  const std::string& name_;
  Origin origin_;
  Node root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
};

// The number of the first line, from 0, whose indentation has a tab.
std::optional<int> tab_line(std::string_view text) {
  for (int line = 0; !text.empty(); ++line) {
    const std::string_view one = text.substr(0, text.find('\n'));
    if (one.substr(0, one.find_first_not_of(" \t")).contains('\t')) return line;
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return std::nullopt;
}

// The library's own words, and what a person most likely did.
std::unexpected<Error> syntax_error(const std::string& text, const std::string& name, Origin origin,
                                    const YAML::Exception& error) {
  const bool is_in_file = origin == Origin::file && !error.mark.is_null();
  const auto at = [&](int line) { return name + ":" + std::to_string(line + 1) + ": "; };
  if (const auto tab = tab_line(text); is_in_file && tab && *tab <= error.mark.line)
    return fail(Code::invalid, at(*tab) + "indented by a tab: YAML allows blanks alone (" + error.msg + ")");
  std::string why = error.msg;
  if (why == YAML::ErrorMsg::END_OF_MAP || why == YAML::ErrorMsg::MAP_VALUE || why == YAML::ErrorMsg::MAP_KEY ||
      why == YAML::ErrorMsg::END_OF_SEQ || why == YAML::ErrorMsg::BLOCK_ENTRY)
    why += ": look at the indentation, here and above: keys of one map begin in the same column, and a colon is "
           "followed by a blank";
  return fail(Code::invalid, (is_in_file ? at(error.mark.line) : name + ": ") + why);
}

} // namespace

Result<Node> parse_yaml(const std::string& text, const std::string& name, Origin origin) {
  if (text.size() > max_text_bytes)
    return fail(Code::invalid, name + ": longer than " + std::to_string(max_text_bytes) + " bytes");
  try {
    std::istringstream input(text);
    YAML::Parser parser(input);
    Builder builder(name, origin);
    if (parser.HandleNextDocument(builder)) {
      Builder rest(name, origin);
      if (parser.HandleNextDocument(rest))
        return fail(Code::invalid, name + ": more than one document; one is allowed");
    }
    Node root = builder.take();
    if (root.origin.empty()) root.origin = name;
    return root;
  } catch (const YAML::Exception& error) {
    return syntax_error(text, name, origin, error);
  } catch (const std::exception& error) {
    return fail(Code::invalid, name + ": " + error.what());
  }
}

} // namespace berth::config
