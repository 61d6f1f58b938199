#include "contract/object_store.h"

#include <algorithm>
#include <memory>
#include <thread>

namespace berth::test {
namespace {

std::unexpected<Error> missing(const std::string& key) { return fail(Code::not_found, key + ": no such object"); }

Result<> check_path(const std::string& path) {
  if (!driver::is_path(path)) return fail(Code::invalid, "not a path of the store: " + path);
  return {};
}

std::string key_of(const std::string& path) { return path.substr(1); }

driver::Version version_of(ObjectStore::Tag tag) { return {{tag}}; }

} // namespace

template <class Effect>
std::invoke_result_t<const Effect&, ObjectStore::State&> ObjectStore::request(int Bill::* kind, const Effect& effect) {
  if (const auto each = state_.with([](State& state) { return state.each; }); each.count() > 0)
    std::this_thread::sleep_for(each);
  return state_.with([&](State& state) -> std::invoke_result_t<const Effect&, State&> {
    ++(state.bill.*kind);
    const bool fails = state.until_failure > 0 && --state.until_failure == 0;
    if (fails && state.fault == Fault::refused) return fail(Code::io, "the store refused");
    auto result = effect(state);
    if (fails) return fail(Code::io, "the store's reply was lost");
    return result;
  });
}

ObjectStore::Tag ObjectStore::State::set(const std::string& key, std::string bytes) {
  objects[key] = {std::move(bytes), ++last};
  return last;
}

Result<ObjectStore::Tag> ObjectStore::put(const std::string& key, std::string bytes) {
  return request(&Bill::puts, [&](State& state) -> Result<Tag> {
    state.bill.bytes_up += bytes.size();
    return state.set(key, bytes);
  });
}

Result<ObjectStore::Tag> ObjectStore::put_if(const std::string& key, std::string bytes,
                                             const std::optional<Tag>& expected) {
  return request(&Bill::puts, [&](State& state) -> Result<Tag> {
    state.bill.bytes_up += bytes.size();
    const auto found = state.objects.find(key);
    const bool is_there = found != state.objects.end();
    if (expected ? !is_there || found->second.tag != *expected : is_there)
      return fail(Code::busy, key + ": precondition failed");
    return state.set(key, bytes);
  });
}

Result<std::string> ObjectStore::get(const std::string& key, std::size_t offset, std::size_t size) {
  return request(&Bill::gets, [&](State& state) -> Result<std::string> {
    const auto found = state.objects.find(key);
    if (found == state.objects.end()) return missing(key);
    const std::string& all = found->second.bytes;
    std::string bytes = all.substr(std::min(offset, all.size()), size);
    state.bill.bytes_down += bytes.size();
    return bytes;
  });
}

Result<ObjectStore::Head> ObjectStore::head(const std::string& key) {
  return request(&Bill::heads, [&](State& state) -> Result<Head> {
    const auto found = state.objects.find(key);
    if (found == state.objects.end()) return missing(key);
    return Head{found->second.bytes.size(), found->second.tag};
  });
}

Result<ObjectStore::Listed> ObjectStore::list(const std::string& prefix, const std::string& after) {
  return request(&Bill::lists, [&](State& state) -> Result<Listed> {
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
  return request(&Bill::copies, [&](State& state) -> Result<> {
    const auto found = state.objects.find(from);
    if (found == state.objects.end()) return missing(from);
    state.set(to, found->second.bytes);
    return {};
  });
}

Result<> ObjectStore::remove(const std::vector<std::string>& keys) {
  return request(&Bill::deletes, [&](State& state) -> Result<> {
    for (const std::string& key : keys) state.objects.erase(key);
    return {};
  });
}

void ObjectStore::fail_call(int call, Fault fault) {
  state_.with([&](State& state) {
    state.until_failure = call;
    state.fault = fault;
  });
}

void ObjectStore::delay(std::chrono::microseconds each) {
  state_.with([&](State& state) { state.each = each; });
}

Bill ObjectStore::bill() {
  return state_.with([](State& state) { return state.bill; });
}

void ObjectStore::forget_bill() {
  state_.with([](State& state) { state.bill = {}; });
}

std::map<std::string, std::string> ObjectStore::objects() {
  return state_.with([](State& state) {
    std::map<std::string, std::string> all;
    for (const auto& [key, object] : state.objects) all.emplace(key, object.bytes);
    return all;
  });
}

// An object as content, read a piece a request.
class ObjectDriver::Object final : public Source {
public:
  Object(ObjectStore& store, std::string key, std::size_t size) : store_(store), key_(std::move(key)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  Result<> read(std::uint64_t offset, const Sink& sink) const override {
    while (offset < size_) {
      BERTH_TRY(const std::string piece, store_.get(key_, offset, piece_bytes));
      if (piece.empty()) return fail(Code::io, key_ + ": is shorter than it was");
      BERTH_CHECK(sink(std::as_bytes(std::span(piece))));
      offset += piece.size();
    }
    return {};
  }
  bool is_in(const ObjectStore& store) const { return &store_ == &store; }
  const std::string& key() const { return key_; }

private:
  static constexpr std::size_t piece_bytes = std::size_t{1} << 20;

  ObjectStore& store_;
  std::string key_;
  std::size_t size_;
};

Result<driver::FileInfo> ObjectDriver::stat(const std::string& path) {
  BERTH_CHECK(check_path(path));
  const auto head = store_.head(key_of(path));
  if (head) return driver::FileInfo{.size = head->size, .version = version_of(head->tag)};
  if (!is(head.error(), Code::not_found)) return std::unexpected(head.error());
  BERTH_TRY(const ObjectStore::Listed below, store_.list(key_of(path) + "/", {}));
  if (below.keys.empty() && below.prefixes.empty()) return missing(path);
  return driver::FileInfo{.is_directory = true};
}

// A LIST is not in the order of names, as `a-b/` and `a.b/` come before `a/`: all of it is read, and sorted.
Result<std::vector<driver::Entry>> ObjectDriver::list(const std::string& path, const std::string& after,
                                                      std::size_t limit) {
  BERTH_CHECK(check_path(path));
  const std::string prefix = key_of(path) + "/";
  std::vector<driver::Entry> entries;
  std::string last;
  for (bool more = true; more;) {
    BERTH_TRY(const ObjectStore::Listed listed, store_.list(prefix, last));
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
  BERTH_TRY(const ObjectStore::Head head, store_.head(key_of(path)));
  return Content::from(std::make_unique<Object>(store_, key_of(path), head.size));
}

Result<Location> ObjectDriver::locate(const std::string& path) {
  BERTH_CHECK(check_path(path));
  if (sends_ == Sends::url) return StoredUrl{"https://bucket.example" + path + "?signature=x"};
  BERTH_TRY(std::string bytes, store_.get(key_of(path)));
  return Location(std::move(bytes));
}

Result<> ObjectDriver::put_scratch(const std::string& path, std::string_view bytes) {
  BERTH_CHECK(check_path(path));
  BERTH_CHECK(store_.put(key_of(path), std::string(bytes)));
  return {};
}

Result<> ObjectDriver::put_content(const std::string& key, const Content& content) {
  if (const auto* object = dynamic_cast<const Object*>(content.source()); object != nullptr && object->is_in(store_))
    return store_.copy(object->key(), key);
  BERTH_TRY(std::string bytes, read_all(content));
  BERTH_CHECK(store_.put(key, std::move(bytes)));
  return {};
}

// What stays is durable as it is.
Result<> ObjectDriver::put(std::vector<driver::PutFile> files) {
  for (const driver::PutFile& file : files) {
    BERTH_CHECK(check_path(file.path));
    if (file.content) BERTH_CHECK(put_content(key_of(file.path), *file.content));
  }
  return {};
}

Result<driver::Version> ObjectDriver::put_if(const std::string& path, std::string_view bytes,
                                             const std::optional<driver::Version>& expected) {
  BERTH_CHECK(check_path(path));
  const auto tag = expected ? std::optional(expected->words[0]) : std::nullopt;
  BERTH_TRY(const ObjectStore::Tag now, store_.put_if(key_of(path), std::string(bytes), tag));
  return version_of(now);
}

Result<> ObjectDriver::remove(const std::string& path, driver::Durability) {
  BERTH_CHECK(check_path(path));
  const auto head = store_.head(key_of(path));
  if (head) return store_.remove({key_of(path)});
  if (!is(head.error(), Code::not_found)) return std::unexpected(head.error());
  BERTH_TRY(const auto entries, list(path, {}, driver::no_limit));
  std::vector<std::string> keys;
  for (const driver::Entry& entry : entries) {
    if (entry.is_directory)
      BERTH_CHECK(remove(path + "/" + entry.name, driver::Durability::scratch));
    else
      keys.push_back(key_of(path) + "/" + entry.name);
  }
  if (keys.empty()) return {};
  return store_.remove(keys);
}

Result<> ObjectDriver::discard(const std::string& directory) {
  BERTH_TRY(const driver::FileInfo info, stat(directory));
  if (!info.is_directory) return missing(directory);
  return remove(directory, driver::Durability::scratch);
}

Result<> ObjectDriver::settle(const std::string& directory) { return check_path(directory); }

} // namespace berth::test
