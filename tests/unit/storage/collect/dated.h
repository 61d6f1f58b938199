// A store in memory whose files have an age, and a registry over it, for the tests of storage/collect/.
#pragma once

#include <map>
#include <set>
#include <string>

#include "storage/collect/mark.h"
#include "unit/storage/fixture.h"

namespace berth::test {

// Reads another driver's files as if they had changed when it is told. Writes nothing.
class Dated final : public driver::StorageDriver {
public:
  explicit Dated(driver::StorageDriver& below) : below_(below) {}

  Time usual{};                        // when what is not in `changed` changed
  std::map<std::string, Time> changed; // by path
  std::set<std::string> unreadable;    // directories that cannot be listed

  Result<driver::FileInfo> stat(const std::string& path) override {
    auto info = below_.stat(path);
    const auto found = changed.find(path);
    if (info) info->changed = found != changed.end() ? found->second : usual;
    return info;
  }
  Result<std::vector<driver::Entry>> list(const std::string& path, const std::string& after,
                                          std::size_t limit) override {
    if (unreadable.contains(path)) return fail(Code::not_permitted, path + ": not for us");
    return below_.list(path, after, limit);
  }
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override {
    return below_.get_content(path, max_bytes);
  }
  Result<Content> open(const std::string& path) override { return below_.open(path); }
  Result<Location> locate(const std::string& path) override { return below_.locate(path); }
  Result<> put_scratch(const std::string&, std::string_view) override { return refuse(); }
  Result<> put(std::vector<driver::PutFile>) override { return refuse(); }
  Result<> remove(const std::string&, driver::Durability) override { return refuse(); }
  Result<> discard(const std::string&) override { return refuse(); }
  Result<> settle(const std::string&) override { return refuse(); }

private:
  static Result<> refuse() { return fail(Code::io, "a mark writes nothing"); }
  driver::StorageDriver& below_;
};

// What a mark said, as text.
struct Said final : storage::MarkListener {
  std::vector<std::string> repositories, manifests, blobs, dead_links, revived_links, unreadable_ones, odd_ones;

  void repository(const model::RepositoryName& name) override { repositories.push_back(name.str()); }
  void manifest(const model::RepositoryName& name, const model::CanonicalDigest& digest) override {
    manifests.push_back(name.str() + "@" + digest.str());
  }
  void blob(const model::RepositoryName& name, const model::Digest& digest) override {
    blobs.push_back(name.str() + "@" + digest.str());
  }
  static std::string text_of(const model::RepositoryName& name, const storage::FoundLink& link) {
    static const char* const kinds[] = {"layer", "manifest", "alias"};
    return name.str() + " " + kinds[static_cast<int>(link.kind)] + (link.parked ? " parked " : " ") + link.digest.str();
  }
  void dead(const model::RepositoryName& name, const storage::FoundLink& link) override {
    dead_links.push_back(text_of(name, link));
  }
  void revived(const model::RepositoryName& name, const storage::FoundLink& link) override {
    revived_links.push_back(text_of(name, link));
  }
  void unreadable(const model::RepositoryName& name, const model::CanonicalDigest& digest,
                  const std::string&) override {
    unreadable_ones.push_back(name.str() + "@" + digest.str());
  }
  void odd(const std::string& path, const std::string&) override { odd_ones.push_back(path); }
};

} // namespace berth::test
