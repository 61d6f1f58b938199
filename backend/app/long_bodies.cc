#include "app/long_bodies.h"

namespace berth::app {

class LongBodies::Turn {
public:
  explicit Turn(LongBodies& all) : all_(all) {
    std::unique_lock lock(all_.mutex_);
    const std::uint64_t number = all_.begun_++;
    all_.ended_.wait(lock, [&] { return number < all_.done_ + all_.at_once_; });
  }
  ~Turn() {
    {
      const std::lock_guard lock(all_.mutex_);
      ++all_.done_;
    }
    all_.ended_.notify_all();
  }
  Turn(const Turn&) = delete;

private:
  LongBodies& all_;
};

http::Response LongBodies::handle(http::Request& request) {
  if (request.body.size() < min_bytes) return handler_.handle(request);
  const Turn turn(*this);
  return handler_.handle(request);
}

http::Response LongBodies::refuse(const http::Request& request, const Error& why) {
  return handler_.refuse(request, why);
}

} // namespace berth::app
