#include "app/pool/pull_recorder.h"

#include <algorithm>
#include <utility>

namespace berth::app {
namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 10s;
constexpr auto flush_interval = 10min;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

} // namespace

PullRecorder::PullRecorder(Parts parts, std::vector<std::string> ignored, std::size_t max_entries)
    : parts_(parts), ignored_(std::move(ignored)), max_entries_(max_entries), written_(parts.clock.now()) {
  for (std::string& text : ignored_) std::ranges::transform(text, text.begin(), lower);
  if (const auto begun = storage::begin_pulls(parts_.driver, written_); !begun)
    parts_.logger.error("pulls are not written down", {{"error", begun.error().message}});
  periodic_.emplace(look_interval, [this](const std::stop_token&) { return look(); });
}

PullRecorder::~PullRecorder() {
  periodic_.reset();
  flush();
}

bool PullRecorder::is_ignored(std::string_view agent) const {
  const auto is_same = [](char a, char b) { return lower(a) == b; };
  return std::ranges::any_of(ignored_, [&](const std::string& text) {
    return !std::ranges::search(agent, text, is_same).empty() && !text.empty();
  });
}

void PullRecorder::pulled(const model::RepositoryName& repository, std::string_view reference, std::string_view agent) {
  if (is_ignored(agent)) return;
  const std::uint32_t hour = storage::pull_hour(parts_.clock.now());
  thread_local std::string key; // its memory is used again
  storage::pull_key(repository, reference, key);
  const bool is_noted = pulls_.with([&](storage::Pulls& pulls) {
    if (const auto found = pulls.find(std::string_view(key)); found != pulls.end()) {
      found->second = std::max(found->second, hour);
      return true;
    }
    if (pulls.size() >= max_entries_) return false;
    pulls.emplace(key, hour);
    return true;
  });
  if (!is_noted) lost_.fetch_add(1, std::memory_order_relaxed);
}

void PullRecorder::flush() {
  const storage::Pulls pulls = pulls_.with([](storage::Pulls& current) { return std::exchange(current, {}); });
  const auto written = storage::write_pulls(parts_.driver, parts_.random, parts_.clock.now(), pulls);
  if (!written) parts_.logger.error("pulls could not be written down", {{"error", written.error().message}});
  if (const std::uint64_t lost = lost_.exchange(0); lost > 0)
    parts_.logger.error("there were too many pulls to write all of them down", {{"lost", std::to_string(lost)}});
}

Periodic::Pause PullRecorder::look() {
  const Time now = parts_.clock.now();
  const std::size_t entries = pulls_.with([](const storage::Pulls& pulls) { return pulls.size(); });
  if (now - written_ >= flush_interval || now < written_ || entries >= max_entries_ / 2) {
    flush();
    written_ = now;
  }
  return look_interval;
}

} // namespace berth::app
