// Progress: what a command that takes its time tells whoever waits for it, on stderr. Nothing for the first two
// seconds; then on a terminal a bar with rate and time left, anywhere else a line every ten seconds. Commands that are
// told --quiet pass Loudness::quiet.
//
//   Progress progress("blobs", Progress::Unit::bytes, loudness);
//   progress.expect(total);                  // once it is known; without it there is no bar, and no time left
//   for (...) { ...; progress.advance(size); }
//
// Whoever logs or prints to the same terminal meanwhile does so through logger() or aside(): the bar makes room.
// Threads: expect and advance are safe, and cheap enough for every item; the rest belongs to one thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/periodic.h"

namespace berth::app {

enum class Loudness { normal, quiet };

class Progress {
public:
  enum class Unit { items, bytes };

  // what: the plural of what is counted: "repositories".
  Progress(std::string what, Unit unit, Loudness loudness);
  // Takes the bar away.
  ~Progress();
  Progress(const Progress&) = delete;

  void expect(std::uint64_t total) { total_.store(total, std::memory_order_relaxed); }
  void advance(std::uint64_t more = 1) { done_.fetch_add(more, std::memory_order_relaxed); }
  std::uint64_t done() const { return done_.load(std::memory_order_relaxed); }

  // Does something that writes to the terminal, without the bar.
  void aside(const std::function<void()>& write);
  // Writes to below, with the bar out of its way. Borrows: this, below.
  std::unique_ptr<Logger> logger(Logger& below);

private:
  Periodic::Pause show();

  const std::string what_;
  const Unit unit_;
  const bool on_terminal_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> done_ = 0, total_ = 0;
  std::mutex terminal_; // the bar's line of it
  bool bar_is_there_ = false;
  std::optional<Periodic> periodic_; // absent: quiet. The last member: it uses the others
};

// How far something is, as text; pure.
struct ProgressState {
  std::string what;
  Progress::Unit unit = Progress::Unit::items;
  std::uint64_t done = 0, total = 0; // total 0: not known
  std::chrono::duration<double> elapsed{};
};
// "1,200 of 48,000 repositories, 600/s, 1:18 left"; without a total "1,200 repositories, 600/s".
std::string progress_text(const ProgressState& state);
// The same behind a bar, "[=====>     ]  25 % 1,200 of ...", in at most width columns.
std::string progress_bar(const ProgressState& state, std::size_t width);

} // namespace berth::app
