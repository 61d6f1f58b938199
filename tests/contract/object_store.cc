#include "contract/object_store.h"

#include <algorithm>

namespace berth::test {
namespace {

std::unexpected<Error> missing(const std::string& key) { return fail(Code::not_found, key + ": no such object"); }

Result<> check_path(const std::string& path) {
  if (!driver::is_path(path)) return fail(Code::invalid, "not a path of the store: " + path);
  return {};
}

std::string key_of(const std::string& path) { return path.substr(1); }

} // namespace

void ObjectStore::put(const std::string& key, std::string bytes) {
  state_.with([&](State& state) {
    ++state.bill.puts;
    state.bill.bytes_up += bytes.size();
    state.objects[key] = std::move(bytes);
  });
}

Result<std::string> ObjectStore::get(const std::string& key, std::size_t offset, std::size_t size) {
  return state_.with([&](State& state) -> Result<std::string> {
    ++state.bill.gets;
    const auto found = state.objects.find(key);
    if (found == state.objects.end()) return missing(key);
    std::string bytes = found->second.substr(std::min(offset, found->second.size()), size);
    state.bill.bytes_down += bytes.size();
    return bytes;
  });
}

Result<std::size_t> ObjectStore::head(const std::string& key) {
  return state_.with([&](State& state) -> Result<std::size_t> {
    ++state.bill.heads;
    const auto found = state.objects.find(key);
    if (found == state.objects.end()) return missing(key);
    return found->second.size();
  });
}

ObjectStore::Listed ObjectStore::list(const std::string& prefix, const std::string& after) {
  return state_.with([&](State& state) {
    ++state.bill.lists;
    Listed listed;
    for (auto at = state.objects.lower_bound(prefix); at != state.objects.end() && at->first.starts_with(prefix);) {
      const std::size_t slash = at->first.find('/', prefix.size());
      const bool is_key = slash == std::string::npos;
      const std::string name = is_key ? at->first : at->first.substr(0, slash + 1);
      if (name > after) {
        if (listed.keys.size() + listed.prefixes.size() == page) {
          listed.more = true;
          break;
        }
        (is_key ? listed.keys : listed.prefixes).push_back(name);
      }
      // All keys below a prefix are one entry.
      at = is_key ? std::next(at) : state.objects.lower_bound(at->first.substr(0, slash) + static_cast<char>('/' + 1));
    }
    return listed;
  });
}

Result<> ObjectStore::copy(const std::string& from, const std::string& to) {
  return state_.with([&](State& state) -> Result<> {
    ++state.bill.copies;
    const auto found = state.objects.find(from);
    if (found == state.objects.end()) return missing(from);
    state.objects[to] = found->second;
    return {};
  });
}

void ObjectStore::remove(const std::vector<std::string>& keys) {
  state_.with([&](State& state) {
    ++state.bill.deletes;
    for (const std::string& key : keys) state.objects.erase(key);
  });
}

Bill ObjectStore::bill() {
  return state_.with([](State& state) { return state.bill; });
}

void ObjectStore::forget_bill() {
  state_.with([](State& state) { state.bill = {}; });
}

bool ObjectDriver::is_directory(const std::string& path) {
  const auto listed = store_.list(key_of(path) + "/", {});
  return !listed.keys.empty() || !listed.prefixes.empty();
}

Result<driver::FileInfo> ObjectDriver::stat(const std::string& path) {
  BERTH_CHECK(check_path(path));
  if (const auto size = store_.head(key_of(path))) return driver::FileInfo{.size = *size};
  if (is_directory(path)) return driver::FileInfo{.is_directory = true};
  return missing(path);
}

// A LIST is not in the order of names, as `a-b/` and `a.b/` come before `a/`: all of it is read, and sorted.
Result<std::vector<driver::Entry>> ObjectDriver::list(const std::string& path, const std::string& after,
                                                      std::size_t limit) {
  BERTH_CHECK(check_path(path));
  const std::string prefix = key_of(path) + "/";
  std::vector<driver::Entry> entries;
  std::string last;
  for (bool more = true; more;) {
    const ObjectStore::Listed listed = store_.list(prefix, last);
    more = listed.more;
    for (const std::string& key : listed.keys) entries.push_back({key.substr(prefix.size()), false});
    for (const std::string& key : listed.prefixes)
      entries.push_back({key.substr(prefix.size(), key.size() - prefix.size() - 1), true});
    for (const auto* names : {&listed.keys, &listed.prefixes})
      if (!names->empty()) last = std::max(last, names->back());
  }
  if (entries.empty()) return missing(path);
  std::erase_if(entries, [&](const driver::Entry& entry) { return entry.name <= after; });
  std::ranges::sort(entries, {}, &driver::Entry::name);
  if (entries.size() > limit) entries.resize(limit);
  return entries;
}

Result<std::string> ObjectDriver::get_content(const std::string& path, std::size_t max_bytes) {
  BERTH_CHECK(check_path(path));
  BERTH_TRY(std::string bytes, store_.get(key_of(path), 0, max_bytes + 1));
  if (bytes.size() > max_bytes) return fail(Code::size_invalid, "the object is too large");
  return bytes;
}

Result<Content> ObjectDriver::open(const std::string& path) {
  BERTH_CHECK(check_path(path));
  BERTH_TRY(std::string bytes, store_.get(key_of(path)));
  return Content::of(std::move(bytes));
}

Result<Location> ObjectDriver::locate(const std::string& path) {
  BERTH_CHECK(check_path(path));
  return StoredUrl{"https://bucket.example" + path + "?signature=x"};
}

Result<> ObjectDriver::put_scratch(const std::string& path, std::string_view bytes) {
  BERTH_CHECK(check_path(path));
  store_.put(key_of(path), std::string(bytes));
  return {};
}

// What stays is durable as it is.
Result<> ObjectDriver::put(std::vector<driver::PutFile> files) {
  for (const driver::PutFile& file : files) {
    BERTH_CHECK(check_path(file.path));
    if (!file.content) continue;
    std::string bytes;
    BERTH_CHECK(file.content->read([&](std::span<const std::byte> piece) -> Result<> {
      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      return {};
    }));
    store_.put(key_of(file.path), std::move(bytes));
  }
  return {};
}

Result<> ObjectDriver::remove(const std::string& path, driver::Durability) {
  BERTH_CHECK(check_path(path));
  if (store_.head(key_of(path))) {
    store_.remove({key_of(path)});
    return {};
  }
  const auto entries = list(path, {}, driver::no_limit);
  if (!entries) return std::unexpected(entries.error());
  std::vector<std::string> keys;
  for (const driver::Entry& entry : *entries) {
    if (entry.is_directory)
      BERTH_CHECK(remove(path + "/" + entry.name, driver::Durability::scratch));
    else
      keys.push_back(key_of(path) + "/" + entry.name);
  }
  if (!keys.empty()) store_.remove(keys);
  return {};
}

Result<> ObjectDriver::discard(const std::string& directory) {
  BERTH_TRY(const driver::FileInfo info, stat(directory));
  if (!info.is_directory) return missing(directory);
  return remove(directory, driver::Durability::scratch);
}

Result<> ObjectDriver::settle(const std::string& directory) { return check_path(directory); }

} // namespace berth::test
