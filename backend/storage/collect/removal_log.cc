#include "storage/collect/removal_log.h"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "storage/enumerate/contents.h"
#include "storage/paths.h"
#include "storage/put_files.h"

namespace berth::storage {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_batch_bytes = std::size_t{4} << 20; // of max_removals lines; each is far below 2 KiB

// Byte order is that of time: 20240102T030405Z-<random>. A path has no colons.
std::string stamp_of(Time time) {
  std::string stamp = to_rfc3339(time);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return stamp;
}

std::string line_of(const Removal& removal) {
  Json line{{"time", to_rfc3339(removal.time)}, {"repository", removal.repository.str()}};
  if (removal.tag) line["tag"] = removal.tag->str();
  line["digest"] = removal.digest.str();
  line["rule"] = removal.rule;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<> write(driver::StorageDriver& driver, const std::string& path, const std::vector<Removal>& removals) {
  std::string text;
  for (const Removal& removal : removals) text += line_of(removal);
  return driver.put(in_order(driver::PutFile{path, Content::of(std::move(text))}));
}

// Nothing for a line that is no removal.
std::optional<Removal> parse_line(std::string_view text) {
  const Json line = Json::parse(text, nullptr, false);
  if (!line.is_object()) return std::nullopt;
  const auto member = [&](const char* name) -> std::string {
    const auto found = line.find(name);
    return found != line.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const auto time = parse_rfc3339(member("time"));
  auto repository = model::RepositoryName::parse(member("repository"));
  auto digest = model::CanonicalDigest::parse(member("digest"));
  if (!time || !repository || !digest) return std::nullopt;
  Removal removal{*time, *std::move(repository), {}, *std::move(digest), member("rule")};
  if (!line.contains("tag")) return removal;
  auto tag = model::Tag::parse(member("tag"));
  if (!tag) return std::nullopt;
  removal.tag = *std::move(tag);
  return removal;
}

} // namespace

Result<RemovalBatch> RemovalBatch::begin(driver::StorageDriver& driver, Random& random, Time now,
                                         const std::vector<Removal>& removals) {
  const std::string path = paths::removed() + "/" + stamp_of(now) + "-" + uuid4(random);
  BERTH_CHECK(write(driver, path, removals));
  return RemovalBatch(driver, path, removals.size());
}

Result<> RemovalBatch::end(const std::vector<Removal>& carried_out) {
  if (carried_out.size() == size_) return {};
  if (carried_out.empty()) return driver_.remove(path_, driver::Durability::scratch);
  return write(driver_, path_, carried_out);
}

Result<> each_removal(driver::StorageDriver& driver, const EachRemoval& each) {
  return each_entry(driver, paths::removed(), [&](const driver::Entry& entry) -> Result<> {
    const auto text = driver.get_content(paths::removed() + "/" + entry.name, max_batch_bytes);
    if (!text) return {};
    std::string_view rest = *text;
    while (!rest.empty()) {
      const std::size_t length = std::min(rest.find('\n'), rest.size());
      if (const auto removal = parse_line(rest.substr(0, length))) BERTH_CHECK(each(*removal));
      rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    return {};
  });
}

Result<> forget_removals(driver::StorageDriver& driver, Time before) {
  std::vector<std::string> old;
  BERTH_CHECK(each_entry(driver, paths::removed(), [&](const driver::Entry& entry) -> Result<> {
    if (entry.name < stamp_of(before)) old.push_back(entry.name);
    return {};
  }));
  for (const std::string& name : old) // one that stays is tried again by the next run
    static_cast<void>(driver.remove(paths::removed() + "/" + name, driver::Durability::scratch));
  return {};
}

} // namespace berth::storage
