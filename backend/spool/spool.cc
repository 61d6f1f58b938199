#include "spool/spool.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "spool/lock_file.h"

namespace berth::spool {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto lock_time = 2s; // another start may be looking whether we are gone
constexpr auto temporary_lifetime = 24h;
constexpr int poll_milliseconds = 20;

// nginx names the bodies that it spools with ten digits. Whatever else is in a spool is not a body: the lock, for one.
bool is_spooled_body(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename();
  std::error_code ignored;
  return name.size() == 10 && name.find_first_not_of("0123456789") == std::string::npos &&
         entry.is_regular_file(ignored);
}

bool is_anything(const fs::directory_entry&) { return true; }

// Removes what was not written to for longer than any request takes.
std::size_t remove_old(const std::string& directory, bool (*is_ours)(const fs::directory_entry&)) {
  std::error_code ignored;
  std::size_t removed = 0;
  const auto limit = fs::file_time_type::clock::now() - temporary_lifetime;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (!is_ours(entry)) continue;
    if (const auto written = fs::last_write_time(entry.path(), ignored); !ignored && written < limit)
      removed += fs::remove_all(entry.path(), ignored) > 0 ? 1 : 0;
  }
  return removed;
}

} // namespace

Result<UniqueFd> lock_spool(const std::string& directory) {
  const auto deadline = Steady::now() + lock_time;
  for (;;) {
    auto lock = try_lock(directory + "/lock");
    if (lock || !is(lock.error(), Code::busy)) return lock;
    if (Steady::now() > deadline)
      return fail(Code::invalid, "berth.spool: \"" + directory + "\": another `berth up` uses it; each needs its own");
    ::poll(nullptr, 0, poll_milliseconds);
  }
}

Result<Content> open_spooled(const std::string& path, const std::string& directory) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1); // all of it if there is no slash
  if (path != directory + "/" + std::string(name) || name.empty() || !std::ranges::all_of(name, is_plain))
    return fail(Code::io, "the body file " + path + " is not in the spool " + directory);
  auto content = Content::open(path);
  if (!content) return fail(Code::io, std::move(content).error().message);
  if (content->empty()) return Content(); // there is nothing to keep, and nothing to move anywhere
  return content;
}

void empty_spool(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored))
    if (is_spooled_body(entry)) fs::remove(entry.path(), ignored);
}

std::size_t remove_old_bodies(const std::string& directory) { return remove_old(directory, is_spooled_body); }

std::size_t remove_old_temporaries(const std::string& directory) { return remove_old(directory, is_anything); }

} // namespace berth::spool
