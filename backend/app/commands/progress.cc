#include "app/commands/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "app/commands/human.h"

namespace berth::app {
namespace {

using namespace std::chrono_literals;

// A bar of our own: Debian 12 has no library for one, and it must make room for the lines of a log.
constexpr auto patience = 2s; // what takes no longer says nothing
constexpr auto bar_interval = 200ms;
constexpr auto line_interval = 10s;
constexpr std::size_t bar_columns = 24, usual_width = 80;
constexpr const char* erase_line = "\r\x1b[K";

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual_width;
}

class LoggerBesideBar final : public Logger {
public:
  LoggerBesideBar(Progress& progress, Logger& below) : progress_(progress), below_(below) {}
  bool enabled(LogLevel level) const override { return below_.enabled(level); }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    progress_.aside([&] { below_.write(level, message, fields); });
  }

private:
  Progress& progress_;
  Logger& below_;
};

} // namespace

std::string progress_text(const ProgressState& state) {
  const bool bytes = state.unit == Progress::Unit::bytes;
  const auto amount = [&](std::uint64_t number) { return bytes ? human_bytes(number) : grouped(number); };
  std::string text = amount(state.done);
  if (state.total > 0) text += " of " + amount(std::max(state.total, state.done));
  text += (bytes ? " of " : " ") + state.what;
  const double rate = static_cast<double>(state.done) / std::max(state.elapsed.count(), 1e-9);
  if (state.elapsed.count() > 0) text += ", " + amount(static_cast<std::uint64_t>(rate)) + "/s";
  if (state.total > state.done && rate > 0) {
    const double left = static_cast<double>(state.total - state.done) / rate;
    text += ", " + clock_time(std::chrono::seconds(static_cast<long>(std::min(left, 1e9)))) + " left";
  }
  return text;
}

std::string progress_bar(const ProgressState& state, std::size_t width) {
  std::string bar;
  if (state.total > 0) {
    const double part = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
    const auto filled = static_cast<std::size_t>(part * bar_columns);
    bar = "[" + std::string(filled, '=') + (filled < bar_columns ? ">" : "");
    bar.resize(bar_columns + 1, ' ');
    const std::string percent = std::to_string(static_cast<int>(part * 100));
    bar += "] " + std::string(3 - percent.size(), ' ') + percent + " % ";
  }
  bar += progress_text(state);
  if (bar.size() > width) bar.resize(width);
  return bar;
}

Progress::Progress(std::string what, Unit unit, Loudness loudness)
    : what_(std::move(what)), unit_(unit), on_terminal_(::isatty(STDERR_FILENO) == 1) {
  if (loudness == Loudness::quiet) return;
  periodic_.emplace(on_terminal_ ? Periodic::Pause(patience) : Periodic::Pause(line_interval),
                    [this](const std::stop_token&) { return show(); });
}

Progress::~Progress() {
  periodic_.reset();
  if (bar_is_there_) std::fputs(erase_line, stderr);
}

Periodic::Pause Progress::show() {
  const ProgressState state{what_, unit_, done_.load(), total_.load(), std::chrono::steady_clock::now() - begun_};
  const std::lock_guard lock(terminal_);
  if (!on_terminal_) {
    std::fprintf(stderr, "berth: %s\n", progress_text(state).c_str());
    return line_interval;
  }
  std::fprintf(stderr, "%s%s", erase_line, progress_bar(state, terminal_width() - 1).c_str());
  std::fflush(stderr);
  bar_is_there_ = true;
  return bar_interval;
}

void Progress::aside(const std::function<void()>& write) {
  const std::lock_guard lock(terminal_);
  if (bar_is_there_) std::fputs(erase_line, stderr);
  bar_is_there_ = false; // until it is drawn again
  write();
}

std::unique_ptr<Logger> Progress::logger(Logger& below) { return std::make_unique<LoggerBesideBar>(*this, below); }

} // namespace berth::app
