#include "driver/memory.h"

#include <functional>
#include <string_view>
#include <thread>

namespace berth::driver {
namespace {

std::unexpected<Error> missing(const std::string& path) { return fail(Code::not_found, path + ": no such path"); }

Result<> check_path(const std::string& path) {
  if (!is_path(path)) return fail(Code::invalid, "not a path of the store: " + path);
  return {};
}

// The files below a directory are one run of the map.
template <class Files>
auto first_below(Files& files, const std::string& directory) {
  const auto at = files.lower_bound(directory + "/");
  return at != files.end() && at->first.starts_with(directory + "/") ? at : files.end();
}

// A file has another version with each change of it, a directory with any change at all.
Version version_of(const std::string& path, std::uint64_t changes) {
  return {{std::hash<std::string>()(path), changes}};
}

} // namespace

class Memory::MemoryLock final : public Lock {
public:
  MemoryLock(Guarded<Tree>& tree, std::string path) : tree_(tree), path_(std::move(path)) {}
  ~MemoryLock() override {
    tree_.with([&](Tree& tree) { tree.locked.erase(path_); });
  }

private:
  Guarded<Tree>& tree_;
  std::string path_;
};

Result<std::string> Memory::bytes_of(const std::string& path) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<std::string> {
    const auto file = tree.files.find(path);
    if (file == tree.files.end()) return missing(path);
    return file->second;
  });
}

Result<> Memory::set(const std::string& path, std::string bytes) {
  BERTH_CHECK(check_path(path));
  tree_.with([&](Tree& tree) { set(tree, path, std::move(bytes)); });
  return {};
}

void Memory::set(Tree& tree, const std::string& path, std::string bytes) {
  tree.files[path] = std::move(bytes);
  tree.written[path] = ++tree.changes;
}

Result<FileInfo> Memory::stat(const std::string& path) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<FileInfo> {
    if (const auto file = tree.files.find(path); file != tree.files.end())
      return FileInfo{file->second.size(), false, version_of(path, tree.written[path])};
    if (first_below(tree.files, path) != tree.files.end()) return FileInfo{0, true, version_of(path, tree.changes)};
    return missing(path);
  });
}

Result<std::vector<Entry>> Memory::list(const std::string& path, const std::string& after, std::size_t limit) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<std::vector<Entry>> {
    std::map<std::string, bool> found; // name to whether it is a directory
    for (auto at = first_below(tree.files, path); at != tree.files.end() && at->first.starts_with(path + "/"); ++at) {
      const std::string_view rest = std::string_view(at->first).substr(path.size() + 1);
      const std::size_t end = rest.find('/');
      found[std::string(rest.substr(0, end))] |= end != std::string_view::npos;
    }
    if (found.empty()) return missing(path);
    std::vector<Entry> entries;
    for (auto at = found.upper_bound(after); at != found.end() && entries.size() < limit; ++at)
      entries.push_back({at->first, at->second});
    return entries;
  });
}

Result<std::string> Memory::get_content(const std::string& path, std::size_t max_bytes) {
  BERTH_TRY(std::string bytes, bytes_of(path));
  if (bytes.size() > max_bytes) return fail(Code::size_invalid, "the file is too large");
  return bytes;
}

Result<Content> Memory::open(const std::string& path) {
  BERTH_TRY(std::string bytes, bytes_of(path));
  return Content::of(std::move(bytes));
}

Result<Location> Memory::locate(const std::string& path) {
  BERTH_TRY(std::string bytes, bytes_of(path));
  return Location(std::move(bytes));
}

Result<> Memory::make_directory(const std::string& path) { return check_path(path); }

Result<> Memory::put_scratch(const std::string& path, std::string_view bytes) { return set(path, std::string(bytes)); }

Result<> Memory::put(std::vector<PutFile> files) {
  for (const PutFile& file : files) {
    BERTH_CHECK(check_path(file.path));
    if (!file.content) continue;
    BERTH_TRY(std::string bytes, read_all(*file.content));
    BERTH_CHECK(set(file.path, std::move(bytes)));
  }
  return {};
}

Result<Version> Memory::put_if(const std::string& path, std::string_view bytes,
                               const std::optional<Version>& expected) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<Version> {
    const bool is_there = tree.files.contains(path);
    const bool is_expected = expected ? is_there && version_of(path, tree.written[path]) == *expected : !is_there;
    if (!is_expected) return fail(Code::busy, path + " was changed meanwhile");
    set(tree, path, std::string(bytes));
    return version_of(path, tree.written[path]);
  });
}

Result<> Memory::append(const std::string& path, std::uint64_t offset, const Content& content) {
  BERTH_CHECK(check_path(path));
  BERTH_TRY(const std::string bytes, read_all(content));
  return tree_.with([&](Tree& tree) -> Result<> {
    tree.written[path] = ++tree.changes;
    std::string& file = tree.files[path];
    if (file.size() < offset) return fail(Code::corrupt, path + " is shorter than what was acknowledged");
    file.resize(offset);
    file += bytes;
    return {};
  });
}

Result<> Memory::remove(const std::string& path, Durability) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<> {
    ++tree.changes;
    std::size_t removed = tree.files.erase(path);
    for (auto at = first_below(tree.files, path); at != tree.files.end() && at->first.starts_with(path + "/");
         ++removed)
      at = tree.files.erase(at);
    if (removed == 0) return missing(path);
    return {};
  });
}

Result<> Memory::discard(const std::string& directory) {
  BERTH_TRY(const FileInfo info, stat(directory));
  if (!info.is_directory) return missing(directory);
  return remove(directory, Durability::scratch);
}

Result<> Memory::settle(const std::string& directory) { return check_path(directory); }

Result<> Memory::remove_files(const std::string& directory, std::span<const std::string_view>) {
  return remove(directory, Durability::scratch);
}

Result<std::unique_ptr<Lock>> Memory::make_locked(const std::string& path, std::string_view bytes) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<std::unique_ptr<Lock>> {
    set(tree, path, std::string(bytes));
    tree.locked.insert(path);
    return std::make_unique<MemoryLock>(tree_, path);
  });
}

Result<std::unique_ptr<Lock>> Memory::lock(const std::string& path) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<std::unique_ptr<Lock>> {
    if (!tree.files.contains(path)) return missing(path);
    if (!tree.locked.insert(path).second) return fail(Code::busy, path + " is locked");
    return std::make_unique<MemoryLock>(tree_, path);
  });
}

class MemoryLocks::Held final : public Lock {
public:
  Held(Guarded<Holders>& holders, std::string name) : holders_(holders), name_(std::move(name)) {}
  ~Held() override {
    holders_.with([&](Holders& holders) {
      const auto at = holders.find(name_);
      if (--at->second <= 0) holders.erase(at);
    });
  }

private:
  Guarded<Holders>& holders_;
  std::string name_;
};

Result<std::unique_ptr<Lock>> MemoryLocks::exclusive(const std::string& name) {
  for (;;) {
    auto lock = try_exclusive(name);
    if (lock || !is(lock.error(), Code::busy)) return lock;
    std::this_thread::yield();
  }
}

Result<std::unique_ptr<Lock>> MemoryLocks::try_exclusive(const std::string& name) {
  BERTH_CHECK(check_path(name));
  if (!holders_.with([&](Holders& holders) { return holders.emplace(name, -1).second; }))
    return fail(Code::busy, name + " is locked");
  return std::make_unique<Held>(holders_, name);
}

Result<std::unique_ptr<Lock>> MemoryLocks::shared(const std::string& name) {
  BERTH_CHECK(check_path(name));
  const auto take = [&](Holders& holders) {
    int& count = holders[name];
    if (count < 0) return false;
    ++count;
    return true;
  };
  while (!holders_.with(take)) std::this_thread::yield();
  return std::make_unique<Held>(holders_, name);
}

} // namespace berth::driver
