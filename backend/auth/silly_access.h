// SillyAccess: auth.silly, docker/distribution's stand-in for access control: whoever sends Authorization, whatever it
// says, is the user "silly" and may do everything. Threads: safe.
#pragma once

#include <expected>
#include <string>

#include "auth/access.h"

namespace berth::auth {

class SillyAccess final : public AccessController {
public:
  SillyAccess(std::string realm, std::string service) : realm_(std::move(realm)), service_(std::move(service)) {}

  std::expected<Grant, Refusal> authorize(const Question& question) override;

private:
  const std::string realm_;
  const std::string service_;
};

} // namespace berth::auth
