#include "auth/measured_access.h"

#include "auth/basic.h"
#include "auth/scheme.h"

namespace berth::auth {
namespace {

enum Kind : std::size_t { nothing, basic, bearer, certificate, vouched, other };
enum Outcome : std::size_t { allowed, unauthorized, denied, throttled, unavailable };

std::size_t kind_of(const Credentials& credentials) {
  const std::string_view value = credentials.authorization;
  if (credentials.vouched != nullptr) return vouched;
  if (value.empty()) return credentials.certificate.empty() ? nothing : certificate;
  if (is_basic(value)) return basic;
  return after_scheme(value, "bearer") ? bearer : other;
}

std::size_t outcome_of(Code code) {
  switch (code) {
  case Code::unauthorized: return unauthorized;
  case Code::denied: return denied;
  case Code::too_many_requests: return throttled;
  default: return unavailable;
  }
}

} // namespace

std::expected<Grant, Refusal> MeasuredAccess::authorize(const Question& question) {
  auto answer = controller_->authorize(question);
  if (const Waiting* waiting = question.credentials.waiting; waiting != nullptr && waiting->awaited != nullptr)
    return answer; // it is asked again
  const std::size_t outcome = answer ? std::size_t{allowed} : outcome_of(answer.error().error.code);
  counts_[kind_of(question.credentials)][outcome].fetch_add(1, std::memory_order_relaxed);
  return answer;
}

} // namespace berth::auth
