#include "app/pool/long_bodies.h"

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

namespace {

// What waits elsewhere, for its turn to be unpacked (storage/v1/unpacking.h).
bool is_v1_layer(const http::Request& request) {
  std::string_view path = request.target;
  if (path.ends_with('/')) path.remove_suffix(1);
  return path.ends_with("/layer") && path.contains("/v1/images/");
}

} // namespace

http::Response LongBodies::handle(http::Request& request) {
  if (request.body.size() < min_bytes || is_v1_layer(request)) return handler_.handle(request);
  const Turn turn(*this);
  return handler_.handle(request);
}

http::Response LongBodies::refuse(const http::Request& request, const Error& why) {
  return handler_.refuse(request, why);
}

} // namespace berth::app
