// SharedCache: what all requests remember of something that can be found again. It is bounded by the memory that it is
// said to take: the least recently used goes first. It counts itself.
// It says nothing of truth: whoever finds something here confirms it, or has put in only what cannot change.
// Threads: safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "base/lru_map.h"

namespace berth {

struct CacheFacts {
  std::size_t entries = 0, bytes = 0;
  std::uint64_t hits = 0, misses = 0; // of find()
};

template <class Value>
class SharedCache {
public:
  // max_entries: for a bound that a person gave as a number.
  explicit SharedCache(std::size_t max_bytes, std::size_t max_entries = std::numeric_limits<std::size_t>::max())
      : max_bytes_(max_bytes), max_entries_(max_entries) {}

  std::optional<Value> find(const std::string& key) {
    return kept_.with([&](Kept& kept) -> std::optional<Value> {
      const Entry* found = kept.entries.find(key);
      ++(found != nullptr ? kept.hits : kept.misses);
      if (found == nullptr) return std::nullopt;
      return std::optional<Value>(std::in_place, found->value); // the value may be an optional itself
    });
  }

  // Whether find() would find it. Is not counted, and no use of it.
  bool has(const std::string& key) {
    return kept_.with([&](const Kept& kept) { return kept.entries.has(key); });
  }

  // bytes: what the value takes outside of itself. What is larger than all that may be kept is not.
  void put(const std::string& key, Value value, std::size_t bytes = 0) {
    bytes += own_bytes(key);
    kept_.with([&](Kept& kept) {
      kept.forget(key);
      if (bytes > max_bytes_) return;
      kept.bytes += bytes;
      kept.entries.put(key, Entry{std::move(value), bytes});
      while (kept.bytes > max_bytes_ || kept.entries.size() > max_entries_)
        kept.bytes -= kept.entries.take_oldest()->bytes;
    });
  }

  void erase(const std::string& key) {
    kept_.with([&](Kept& kept) { kept.forget(key); });
  }

  CacheFacts facts() {
    return kept_.with(
        [](const Kept& kept) { return CacheFacts{kept.entries.size(), kept.bytes, kept.hits, kept.misses}; });
  }

private:
  struct Entry {
    Value value;
    std::size_t bytes;
  };
  struct Kept {
    LruMap<std::string, Entry> entries{std::numeric_limits<std::size_t>::max()}; // the bytes are what bounds them
    std::size_t bytes = 0;
    std::uint64_t hits = 0, misses = 0;

    void forget(const std::string& key) {
      if (const Entry* before = entries.find(key)) bytes -= before->bytes;
      entries.erase(key);
    }
  };

  // About what an entry costs without what its value has elsewhere: a node of a list, one of a map, each with the key.
  static std::size_t own_bytes(const std::string& key) {
    constexpr std::size_t nodes = 2 * sizeof(std::string) + 8 * sizeof(void*);
    static const std::size_t inside = std::string().capacity(); // so many bytes a string has without an allocation
    return nodes + sizeof(Entry) + (key.size() > inside ? 2 * (key.size() + 1 + sizeof(void*)) : 0);
  }

  const std::size_t max_bytes_, max_entries_;
  Guarded<Kept> kept_;
};

} // namespace berth
