// TreeRemover: a thread that removes trees of files which have left the store already, one after the other, so that no
// request waits for it. The first tree starts it. Trees that are left when it is destroyed stay where they are.
// Threads: safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace berth::driver {

class TreeRemover {
public:
  TreeRemover() = default;
  ~TreeRemover();
  TreeRemover(const TreeRemover&) = delete;

  // Paths of the host. More than max_waiting stay where they are.
  void add(std::string path);

private:
  static constexpr std::size_t max_waiting = 200'000;

  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace berth::driver
