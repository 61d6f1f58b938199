#include "app/pool/process_metrics.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "api/debug/metrics.h"

namespace berth::app {
namespace {

void write_one(std::string& page, std::string_view name, std::string_view type, std::string_view help, double value) {
  api::debug::write_head(page, name, type, help);
  api::debug::write_value(page, name, "", value);
}

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The fields of /proc/self/stat from the third on: the second, the command's name, may hold anything.
struct Stat {
  double started = 0, virtual_bytes = 0, resident_pages = 0;
};
Stat own_stat() {
  const std::string text = text_of("/proc/self/stat");
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  Stat stat;
  std::string field;
  for (int number = 3; number <= 24 && fields >> field; ++number) {
    const double value = std::atof(field.c_str());
    if (number == 22) stat.started = value;
    if (number == 23) stat.virtual_bytes = value;
    if (number == 24) stat.resident_pages = value;
  }
  return stat;
}

double cpu_seconds() {
  struct rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Seconds since the epoch.
double boot_time() {
  std::istringstream lines(text_of("/proc/stat"));
  double time = 0;
  for (std::string word; lines >> word;)
    if (word == "btime") lines >> time;
  return time;
}

} // namespace

void write_process_metrics(std::string& page) {
  const Stat stat = own_stat();
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::error_code error;
  const auto descriptors = std::distance(std::filesystem::directory_iterator("/proc/self/fd", error), {});
  struct rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  write_one(page, "process_cpu_seconds_total", "counter", "CPU time of the pool.", cpu_seconds());
  write_one(page, "process_resident_memory_bytes", "gauge", "Memory of the pool.",
            stat.resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  write_one(page, "process_virtual_memory_bytes", "gauge", "Address space of the pool.", stat.virtual_bytes);
  write_one(page, "process_open_fds", "gauge", "Open file descriptors of the pool.", static_cast<double>(descriptors));
  write_one(page, "process_max_fds", "gauge", "How many it may have.", static_cast<double>(limit.rlim_cur));
  write_one(page, "process_start_time_seconds", "gauge", "When the pool was started.",
            boot_time() + stat.started / ticks);
}

void write_store_metrics(std::string& page, const std::string& root) {
  struct statvfs file_system{};
  if (::statvfs(root.c_str(), &file_system) != 0) return; // the health check of the store says so
  const auto block = static_cast<double>(file_system.f_frsize);
  write_one(page, "berth_storage_size_bytes", "gauge", "Size of the file system that holds the store.",
            static_cast<double>(file_system.f_blocks) * block);
  write_one(page, "berth_storage_free_bytes", "gauge", "What of it is free.",
            static_cast<double>(file_system.f_bavail) * block);
}

} // namespace berth::app
