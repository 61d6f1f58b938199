#include "driver/memory.h"

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

// Any change gives everything another stamp.
Stamp stamp_of(std::int64_t changes) { return {.nanoseconds = changes}; }

Result<std::string> all_of(const Content& content) {
  std::string bytes;
  BERTH_CHECK(content.read([&](std::span<const std::byte> piece) -> Result<> {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  }));
  return bytes;
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

class Memory::SharedLock final : public Lock {
public:
  SharedLock(Guarded<Tree>& tree, std::string path) : tree_(tree), path_(std::move(path)) {}
  ~SharedLock() override {
    tree_.with([&](Tree& tree) { tree.shared.erase(tree.shared.find(path_)); });
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
  tree_.with([&](Tree& tree) {
    tree.files[path] = std::move(bytes);
    ++tree.changes;
  });
  return {};
}

Result<FileInfo> Memory::stat(const std::string& path) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<FileInfo> {
    if (const auto file = tree.files.find(path); file != tree.files.end())
      return FileInfo{file->second.size(), false, stamp_of(tree.changes)};
    if (first_below(tree.files, path) != tree.files.end()) return FileInfo{0, true, stamp_of(tree.changes)};
    return missing(path);
  });
}

Result<std::vector<std::string>> Memory::list(const std::string& path) {
  BERTH_CHECK(check_path(path));
  return tree_.with([&](Tree& tree) -> Result<std::vector<std::string>> {
    std::set<std::string> names;
    for (auto at = first_below(tree.files, path); at != tree.files.end() && at->first.starts_with(path + "/"); ++at)
      names.insert(at->first.substr(path.size() + 1, at->first.find('/', path.size() + 1) - path.size() - 1));
    if (names.empty()) return missing(path);
    return std::vector<std::string>(names.begin(), names.end());
  });
}

Result<std::vector<std::string>> Memory::list_directories(const std::string& path) {
  BERTH_TRY(std::vector<std::string> names, list(path));
  tree_.with([&](Tree& tree) {
    std::erase_if(names, [&](const std::string& name) { return tree.files.contains(path + "/" + name); });
  });
  return names;
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
    BERTH_TRY(std::string bytes, all_of(*file.content));
    BERTH_CHECK(set(file.path, std::move(bytes)));
  }
  return {};
}

Result<> Memory::append(const std::string& path, std::uint64_t offset, const Content& content) {
  BERTH_CHECK(check_path(path));
  BERTH_TRY(const std::string bytes, all_of(content));
  return tree_.with([&](Tree& tree) -> Result<> {
    ++tree.changes;
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
    tree.files.insert_or_assign(path, std::string(bytes));
    ++tree.changes;
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

Result<std::unique_ptr<Lock>> Memory::lock_waiting(const std::string& path) {
  BERTH_CHECK(check_path(path));
  const auto take = [&](Tree& tree) { return !tree.shared.contains(path) && tree.locked.insert(path).second; };
  while (!tree_.with(take)) std::this_thread::yield();
  return std::make_unique<MemoryLock>(tree_, path);
}

Result<std::unique_ptr<Lock>> Memory::share(const std::string& path) {
  BERTH_CHECK(check_path(path));
  const auto take = [&](Tree& tree) {
    if (tree.locked.contains(path)) return false;
    tree.shared.insert(path);
    return true;
  };
  while (!tree_.with(take)) std::this_thread::yield();
  return std::make_unique<SharedLock>(tree_, path);
}

} // namespace berth::driver
