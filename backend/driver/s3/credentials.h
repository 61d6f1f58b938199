// CredentialSource: who berth is to the object store, now. Secrets are in no log and no error.
// Threads: safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "driver/s3/signer.h"

namespace berth::driver::s3 {

class CredentialSource {
public:
  virtual ~CredentialSource() = default;
  // Errors: unavailable, if they could not be renewed and are over.
  virtual Result<Credentials> now(Time time) = 0;
};

// A variable of the environment; empty without one.
using Variables = std::function<std::string(const char* name)>;

// Where they are looked for, in this order: what is given, AWS_ACCESS_KEY_ID and its like, the shared file's profile.
// given.access_key: empty: none is given. Errors: invalid if there are none, the message says where they were looked
// for; or if a file or profile that is named is not there.
Result<std::unique_ptr<CredentialSource>> find_credentials(const Credentials& given, const Variables& variables);

} // namespace berth::driver::s3
