#include "api/debug/answers.h"

namespace berth::api::debug {

void Answers::add(const Answer& answer) {
  const std::size_t method = index_of(method_names, answer.method);
  by_status[method][index_of(status_codes, answer.status)].fetch_add(1, std::memory_order_relaxed);
  seconds[method].observe(answer.time.count());
  request_bytes.observe(static_cast<double>(answer.request_bytes));
  response_bytes.observe(static_cast<double>(answer.response_bytes));
}

void Answers::take(Answers& other) {
  for (std::size_t m = 0; m < methods; ++m) {
    seconds[m].take(other.seconds[m]);
    for (std::size_t s = 0; s < statuses; ++s)
      by_status[m][s].fetch_add(other.by_status[m][s].exchange(0, std::memory_order_relaxed),
                                std::memory_order_relaxed);
  }
  request_bytes.take(other.request_bytes);
  response_bytes.take(other.response_bytes);
}

} // namespace berth::api::debug
