#include "storage/retention/pull_times.h"

#include <algorithm>
#include <charconv>

#include "storage/enumerate/contents.h"
#include "storage/paths.h"
#include "storage/put_files.h"

namespace berth::storage {
namespace {

constexpr std::size_t max_file_bytes = std::size_t{512} << 20;
constexpr std::size_t max_since_bytes = 64;

// A line an entry: "HOUR REPOSITORY REFERENCE".
std::string text_of(const Pulls& pulls, std::uint32_t oldest) {
  std::string text;
  for (const auto& [key, hour] : pulls)
    if (hour >= oldest) text.append(std::to_string(hour)).append(1, ' ').append(key).append(1, '\n');
  return text;
}

// Lines that are none are passed over.
void add_lines(std::string_view text, Pulls& into) {
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    std::uint32_t hour = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), hour);
    if (error != std::errc() || end == line.data() + line.size() || *end != ' ') continue;
    const std::string_view key(end + 1, static_cast<std::size_t>(line.data() + line.size() - end - 1));
    if (!key.contains(' ')) continue;
    auto found = into.find(key);
    if (found == into.end()) found = into.emplace(std::string(key), hour).first;
    found->second = std::max(found->second, hour);
  }
}

// False if it is not there.
Result<bool> read(driver::StorageDriver& driver, const std::string& path, Pulls& into) {
  const auto text = driver.get_content(path, max_file_bytes);
  if (!text && is(text.error(), Code::not_found)) return false;
  BERTH_CHECK(text);
  add_lines(*text, into);
  return true;
}

Result<std::optional<Time>> read_since(driver::StorageDriver& driver) {
  const auto text = driver.get_content(paths::pulls_since(), max_since_bytes);
  if (!text && is(text.error(), Code::not_found)) return std::nullopt;
  BERTH_CHECK(text);
  const auto time = parse_rfc3339(*text);
  if (!time) return std::nullopt;
  return *time;
}

} // namespace

Result<> begin_pulls(driver::StorageDriver& driver, Time now) {
  BERTH_TRY(const auto since, read_since(driver));
  if (since) return {};
  return driver.put(in_order(driver::PutFile{paths::pulls_since(), Content::of(to_rfc3339(now))}));
}

Result<> end_pulls(driver::StorageDriver& driver) {
  auto removed = driver.remove(paths::pulls_since(), driver::Durability::durable);
  if (!removed && is(removed.error(), Code::not_found)) return {};
  return removed;
}

Result<> write_pulls(driver::StorageDriver& driver, Random& random, Time now, const Pulls& pulls) {
  if (pulls.empty()) return {};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::string name = std::to_string(seconds) + "-" + uuid4(random);
  return driver.put_scratch(paths::new_pulls() + "/" + name, text_of(pulls, 0));
}

Result<PullTimes> PullTimes::load(driver::StorageDriver& driver) {
  PullTimes times;
  BERTH_TRY(times.since_, read_since(driver));
  BERTH_CHECK(each_entry(driver, paths::new_pulls(), [&](const driver::Entry& entry) -> Result<> {
    const std::string path = paths::new_pulls() + "/" + entry.name;
    BERTH_TRY(const bool is_there, read(driver, path, times.pulls_));
    if (is_there) times.files_.push_back(path);
    return {};
  }));
  // After the others, of which one may be folded into it at this moment.
  BERTH_CHECK(read(driver, paths::known_pulls(), times.pulls_));
  return times;
}

std::optional<Time> PullTimes::last(const model::RepositoryName& repository, std::string_view reference) const {
  std::string key;
  pull_key(repository, reference, key);
  const auto found = pulls_.find(key);
  if (found == pulls_.end()) return std::nullopt;
  return Time(std::chrono::hours(found->second + 1)) - std::chrono::seconds(1);
}

Result<> PullTimes::fold(driver::StorageDriver& driver, Time now) const {
  if (files_.empty()) return {};
  BERTH_CHECK(driver.put(
      in_order(driver::PutFile{paths::known_pulls(), Content::of(text_of(pulls_, pull_hour(now - pulls_kept)))})));
  for (const std::string& path : files_) // one that stays is folded again
    static_cast<void>(driver.remove(path, driver::Durability::scratch));
  return {};
}

} // namespace berth::storage
