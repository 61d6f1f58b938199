#include "storage/enumerate/repositories.h"

#include <algorithm>
#include <array>

#include "storage/enumerate/contents.h"
#include "storage/paths.h"

namespace berth::storage {
namespace {

constexpr std::size_t max_depth = 128; // a name of 255 characters has no more components

struct Own {
  std::string_view name;
  bool Repositories::Found::* there;
};
constexpr std::array<Own, 3> own_directories{{{"_layers", &Repositories::Found::has_layers},
                                              {paths::manifests_directory, &Repositories::Found::has_manifests},
                                              {"_uploads", &Repositories::Found::has_uploads}}};

std::optional<model::RepositoryName> name_of(const std::string& path) {
  auto name = model::RepositoryName::parse(std::string_view(path).substr(paths::repositories().size() + 1));
  return name ? std::optional(*std::move(name)) : std::nullopt;
}

} // namespace

Result<std::optional<Repositories::Found>> Repositories::next() {
  if (!begun_) {
    begun_ = true;
    BERTH_CHECK(enter(paths::repositories()));
  }
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.at < level.names.size()) {
      const std::string path = level.path + "/" + level.names[level.at++];
      BERTH_TRY(auto found, enter(path));
      if (found) return found;
    } else if (level.more) {
      BERTH_TRY(const auto page, page_of(level));
      if (!page) levels_.pop_back();
    } else {
      levels_.pop_back();
    }
  }
  return std::nullopt;
}

// Goes into a directory. Returns it if it is a repository; nothing also if it cannot be gone into.
Result<std::optional<Repositories::Found>> Repositories::enter(const std::string& path) {
  if (levels_.size() == max_depth) return std::nullopt;
  const auto info = driver_.stat(path);
  if (!info && is(info.error(), Code::not_found)) return std::nullopt;
  Level level{path, info ? info->version : std::nullopt};
  if (leads_back_up(level)) return std::nullopt;
  BERTH_TRY(const auto page, page_of(level));
  if (!page) return std::nullopt;
  BERTH_TRY(Found found, found_in(level, *page));
  const bool top = levels_.empty();
  levels_.push_back(std::move(level));
  const bool any = found.has_layers || found.has_manifests || found.has_uploads;
  if (top || !any) return std::nullopt;
  found.name = name_of(path);
  return found;
}

// The next page of a directory; nothing if it is gone, or passed over.
Result<std::optional<std::vector<driver::Entry>>> Repositories::page_of(Level& level) {
  auto entries = driver_.list(level.path, level.last, page_size);
  if (!entries && is(entries.error(), Code::not_found)) return std::nullopt;
  if (!entries) {
    BERTH_CHECK(unreadable_(level.path, entries.error()));
    return std::nullopt;
  }
  level.more = entries->size() == page_size;
  level.names.clear();
  level.at = 0;
  if (!entries->empty()) level.last = entries->back().name;
  for (const driver::Entry& entry : *entries)
    if (entry.is_directory && !entry.name.starts_with('_')) level.names.push_back(entry.name);
  return *std::move(entries);
}

// entries: the first page of the level.
Result<Repositories::Found> Repositories::found_in(const Level& level, const std::vector<driver::Entry>& entries) {
  Found found{level.path, std::nullopt};
  for (const Own& own : own_directories) {
    const auto entry = std::ranges::lower_bound(entries, own.name, {}, &driver::Entry::name);
    found.*own.there = entry != entries.end() && entry->name == own.name && entry->is_directory;
    if (found.*own.there || !level.more) continue;
    const auto info = driver_.stat(level.path + "/" + std::string(own.name)); // it may be on a later page
    if (!info && !is(info.error(), Code::not_found)) return std::unexpected(info.error());
    found.*own.there = info && info->is_directory;
  }
  return found;
}

bool Repositories::leads_back_up(const Level& level) const {
  return level.version && std::ranges::find(levels_, level.version, &Level::version) != levels_.end();
}

} // namespace berth::storage
