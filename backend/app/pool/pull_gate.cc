#include "app/pool/pull_gate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "auth/scheme.h"
#include "base/content.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::size_t tail_bytes = 43; // a MAC of 256 bits in base64url
constexpr auto sweep_interval = 10s;
constexpr const char* shut_name = "shut";

bool is_of_base64url(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

Result<> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  return std::unexpected(errno_error("mkdir", path, errno));
}

} // namespace

Result<std::unique_ptr<PullGate>> PullGate::make(std::string directory, const Clock& clock) {
  std::error_code error;
  fs::remove_all(directory, error);
  if (!error) fs::create_directories(fs::path(directory).parent_path(), error);
  if (error) return std::unexpected(errno_error("make", directory, error.value()));
  const std::string open_path = directory + "/" + open_name;
  for (const std::string& path : {directory, open_path}) BERTH_CHECK(make_directory(path));
  UniqueFd open(::open(open_path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!open) return std::unexpected(errno_error("open", open_path, errno));
  const UniqueFd well(::openat(open.get(), well_name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!well) return std::unexpected(errno_error("open", open_path + "/" + well_name, errno));
  return std::unique_ptr<PullGate>(new PullGate(std::move(directory), std::move(open), clock));
}

PullGate::PullGate(std::string directory, UniqueFd open, const Clock& clock)
    : directory_(std::move(directory)),
      open_(std::move(open)),
      clock_(clock),
      periodic_(sweep_interval, [this](const std::stop_token&) -> Periodic::Pause {
        sweep();
        return sweep_interval;
      }) {}

PullGate::~PullGate() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

// Two that change it at once may do so in any order: whoever is last looks again.
void PullGate::follow(const std::function<bool()>& is_well) {
  const std::string open = directory_ + "/" + open_name, shut = directory_ + "/" + shut_name;
  bool well = false;
  do {
    well = is_well();
    (void)::rename((well ? shut : open).c_str(), (well ? open : shut).c_str()); // it may be called so already
  } while (well != is_well());
}

void PullGate::let_through(std::string_view authorization, const auth::Grant& grant, const std::string& repository) {
  const std::string_view tail = tail_of(authorization);
  if (!grant.good_until || tail.empty() || (tail == nobody && !grant.caller.is_nobody())) return;
  const long long bucket = bucket_now();
  if (std::chrono::sys_seconds(bucket * bucket_time) >= *grant.good_until) return;
  const std::string path = std::to_string(bucket) + "/" + repository + "/." + std::string(tail);
  const bool is_new = made_.with([&](Made& made) {
    if (made.bucket != bucket) made = {bucket, 0, {}};
    return made.entries < max_entries && made.files.insert(std::hash<std::string>()(path)).second;
  });
  if (!is_new) return;
  const std::size_t entries = make_file(path);
  made_.with([&](Made& made) { made.entries += made.bucket == bucket ? entries : 0; });
}

std::string_view PullGate::tail_of(std::string_view authorization) {
  if (authorization.empty() || authorization == "Basic Og==" || authorization == "basic Og==") return nobody;
  const std::string_view token = auth::after_scheme(authorization, "bearer").value_or("");
  if (token.size() < tail_bytes) return {};
  const std::string_view tail = token.substr(token.size() - tail_bytes);
  return std::ranges::all_of(tail, is_of_base64url) ? tail : std::string_view();
}

void PullGate::sweep() {
  const long long now = bucket_now();
  for (const char* name : {open_name, shut_name}) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(directory_ + "/" + name, ignored)) {
      const std::string text = entry.path().filename();
      long long bucket = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), bucket).ec != std::errc()) continue; // .well
      if (bucket != now && bucket != now + 1) fs::remove_all(entry.path(), ignored);
    }
  }
}

long long PullGate::bucket_now() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch() / bucket_time;
}

// Makes an empty file below `open`, and the directories on the way. How many entries that were. What cannot be made is
// not there, and pulls are asked about.
std::size_t PullGate::make_file(const std::string& path) const {
  const auto create = [&] {
    return UniqueFd(::openat(open_.get(), path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  };
  std::size_t entries = 1;
  if (create()) return entries;
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (::mkdirat(open_.get(), path.substr(0, slash).c_str(), 0700) == 0) ++entries; // else it is there already
  (void)create();
  return entries;
}

} // namespace berth::app
