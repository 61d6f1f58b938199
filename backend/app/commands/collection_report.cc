#include "app/commands/collection_report.h"

#include <algorithm>
#include <cstdio>

#include "app/commands/human.h"
#include "storage/paths.h"

namespace berth::app {
namespace {

using storage::Swept;

std::string count_of(std::uint64_t count, const std::string& what) {
  return grouped(count) + " " + what + (count == 1 ? "" : "s");
}

std::string text_of(const Swept::Sum& blobs) { return count_of(blobs.count, "blob") + ", " + human_bytes(blobs.bytes); }

// What is above the file of a path, and a part of it: "/a/b/c" has b.
std::string directory_name(const std::string& path) {
  const std::size_t end = path.rfind('/');
  const std::size_t begin = path.rfind('/', end - 1) + 1;
  return path.substr(begin, end - begin);
}

nlohmann::ordered_json json_of(const Swept::Sum& sum) { return {{"count", sum.count}, {"bytes", sum.bytes}}; }

// "NAME: layer link eligible for deletion: DIGEST", of a layer's link in its place; empty for another.
std::string layer_line(const std::string& link_path) {
  const std::string top = storage::paths::repositories() + "/", layers = "/_layers/";
  const std::size_t at = link_path.find(layers);
  if (at == std::string::npos) return {};
  std::string digest = link_path.substr(at + layers.size());
  digest.resize(digest.rfind('/'));
  std::ranges::replace(digest, '/', ':'); // a tarsum's path has more of them, and is told as it is
  return link_path.substr(top.size(), at - top.size()) + ": layer link eligible for deletion: " + digest;
}

} // namespace

void CollectionReport::line(const std::string& text) {
  if (prints_) progress_.aside([&] { std::printf("%s\n", text.c_str()); });
}

void CollectionReport::repository(const model::RepositoryName& name) {
  ++repositories_;
  progress_.advance();
  perhaps_empty_.push_back(name);
  line(name.str());
}

void CollectionReport::manifest(const model::RepositoryName& name, const model::CanonicalDigest& digest) {
  ++manifests_;
  if (!perhaps_empty_.empty() && perhaps_empty_.back() == name) perhaps_empty_.pop_back();
  if (prints_) line(name.str() + ": marking manifest " + digest.str() + " "); // with docker/distribution's blank
}

void CollectionReport::blob(const model::RepositoryName& name, const model::Digest& digest) {
  if (prints_) line(name.str() + ": marking blob " + digest.str());
}

void CollectionReport::dead(const model::RepositoryName& name, const storage::FoundLink& link) {
  links_.push_back({storage::paths::link_in(link.directory), false});
  if (link.kind != storage::LinkKind::manifest || link.parked) return;
  ++dead_manifests_;
  line("manifest eligible for deletion: {" + name.str() + " " + link.digest.str() + " []}");
}

void CollectionReport::revived(const model::RepositoryName&, const storage::FoundLink& link) {
  links_.push_back({storage::paths::link_in(link.directory), true});
}

void CollectionReport::unreadable(const model::RepositoryName& name, const model::CanonicalDigest& digest,
                                  const std::string& why) {
  unreadable_.push_back(name.str() + "@" + digest.str() + ": " + why);
}

void CollectionReport::odd(const std::string& path, const std::string& why) { odd_.push_back(path + ": " + why); }

void CollectionReport::emptied(const model::RepositoryName& name) { emptied_.push_back(name.str()); }

void CollectionReport::swept(storage::Step step, const std::string& path) {
  if ((step == storage::Step::park || step == storage::Step::free) && path.starts_with(storage::paths::blobs()))
    eligible_.push_back(directory_name(path));
}

void CollectionReport::print(const storage::LiveSet& live, const Swept& swept, Time began) {
  complain();
  if (options_.json) {
    std::printf("%s\n", json(live, swept, began).dump(2).c_str());
    return;
  }
  std::ranges::sort(eligible_);
  line("\n" + std::to_string(live.size()) + " blobs marked, " + std::to_string(eligible_.size()) + " blobs and " +
       std::to_string(dead_manifests_) + " manifests eligible for deletion");
  for (const std::string& hex : eligible_) line("blob eligible for deletion: sha256:" + hex);
  for (const storage::DeadLink& link : links_)
    if (const std::string text = link.is_needed ? "" : layer_line(link.link_path); !text.empty()) line(text);
  for (const std::string& name : emptied_)
    line(name + ": nothing is in it: " + (options_.dry_run ? "would be removed" : "removed"));
  print_sums(swept, began);
}

void CollectionReport::complain() const {
  for (const std::string& text : unreadable_)
    std::fprintf(stderr, "berth: %s: no manifest that can be read: all that it could name is kept\n", text.c_str());
  for (const std::string& text : odd_) std::fprintf(stderr, "berth: %s\n", text.c_str());
}

// What is berth's own: two lines.
void CollectionReport::print_sums(const Swept& swept, Time began) const {
  const char* would = options_.dry_run ? "would be " : "";
  const Swept::Kind& blobs = swept.blobs;
  if (!options_.now) {
    std::string parked = text_of(blobs.parked) + " " + would + "parked now, " + text_of(blobs.waiting) + " before";
    if (blobs.parked.count > 0)
      parked += "; a run after " + to_rfc3339(began + grace_) + " frees what nothing names until then";
    std::printf("%s\n", parked.c_str());
  }
  std::string freed = text_of(blobs.freed) + " " + would + "freed";
  if (!options_.now && blobs.freed.count == 0 && blobs.parked.count + blobs.waiting.count > 0)
    freed += ": garbage is parked first, and freed by a later run; --now frees at once, while no registry runs";
  std::printf("%s\n", freed.c_str());
}

nlohmann::ordered_json CollectionReport::json(const storage::LiveSet& live, const Swept& swept, Time began) const {
  const auto kind = [](const Swept::Kind& sums) -> nlohmann::ordered_json {
    return {{"parked", json_of(sums.parked)},
            {"waiting", json_of(sums.waiting)},
            {"freed", json_of(sums.freed)},
            {"broughtBack", json_of(sums.brought_back)}};
  };
  return {{"dryRun", options_.dry_run},
          {"began", to_rfc3339(began)},
          {"graceSeconds", std::chrono::duration_cast<std::chrono::seconds>(grace_).count()},
          {"repositories", repositories_},
          {"manifests", manifests_},
          {"marked", live.size()},
          {"deadManifests", dead_manifests_},
          {"blobs", kind(swept.blobs)},
          {"links", kind(swept.links)},
          {"emptyRepositories", emptied_},
          {"failed", swept.failed},
          {"unreadable", unreadable_},
          {"odd", odd_}};
}

nlohmann::ordered_json CollectionReport::numbers(const storage::LiveSet& live, const Swept& swept,
                                                 std::uint64_t failed) const {
  auto all = json(live, swept, {});
  for (const char* long_one : {"dryRun", "began", "emptyRepositories", "unreadable", "odd"}) all.erase(long_one);
  all["failed"] = failed;
  all["unreadableManifests"] = unreadable_.size();
  return all;
}

} // namespace berth::app
