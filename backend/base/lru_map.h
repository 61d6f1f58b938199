// LruMap: a map that holds a bounded number of entries and forgets the least recently used.
// Threads: none of its own; wrap it in Guarded.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

namespace berth {

template <class Key, class Value>
class LruMap {
public:
  explicit LruMap(std::size_t max_entries) : max_entries_(max_entries) {}

  // The value, now the most recently used, or null. Valid until the next call.
  const Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  void put(const Key& key, Value value) {
    erase(key);
    entries_.emplace_front(key, std::move(value));
    index_.emplace(key, entries_.begin());
    if (entries_.size() > max_entries_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

  void erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    entries_.erase(found->second);
    index_.erase(found);
  }

  // Removes the least recently used; nullopt if the map is empty.
  std::optional<Value> take_oldest() {
    if (entries_.empty()) return std::nullopt;
    std::optional<Value> oldest(std::move(entries_.back().second));
    index_.erase(entries_.back().first);
    entries_.pop_back();
    return oldest;
  }

  bool has(const Key& key) const { return index_.contains(key); } // no use of it
  std::size_t size() const { return entries_.size(); }

private:
  std::size_t max_entries_;
  std::list<std::pair<Key, Value>> entries_; // the most recently used first
  std::unordered_map<Key, typename std::list<std::pair<Key, Value>>::iterator> index_;
};

} // namespace berth
