// Saved sha256 states, as they lie in the store. Input: a state, and bytes to hash after it.
#include "base/encoding.h"
#include "fuzz/oracle.h"
#include "model/digester.h"

using namespace berth;
using namespace berth::fuzz;
using model::Sha256;

namespace {

std::uint64_t length_in(std::string_view state) {
  std::uint64_t length = 0;
  for (char c : state.substr(Sha256::state_bytes - 8)) length = length << 8 | static_cast<unsigned char>(c);
  return length;
}

// Any state that is taken can be saved again, and goes on as the original does.
void check_restored(std::string_view state, std::string_view more) {
  auto sha256 = Sha256::restore(state).value();
  require(sha256.length() == length_in(state));
  const std::string saved = sha256.save();
  require(saved.size() == Sha256::state_bytes && saved.substr(0, 36) == state.substr(0, 36));
  auto again = Sha256::restore(saved).value();
  require(again.save() == saved && again.digest() == sha256.digest());
  sha256.update(as_bytes(more));
  again.update(as_bytes(more));
  require(again.save() == sha256.save() && again.digest() == sha256.digest());
}

// Bytes hashed with a pause in the middle, in which the state is put aside.
void check_pause(std::string_view bytes, std::size_t pause) {
  Sha256 before;
  before.update(as_bytes(bytes.substr(0, pause)));
  Sha256 after = Sha256::restore(before.save()).value();
  require(after.length() == pause);
  after.update(as_bytes(bytes.substr(pause)));
  require(after.digest() == model::CanonicalDigest::of_bytes(bytes) && after.length() == bytes.size());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  const auto whole = Sha256::restore(text);
  require(!whole || size == Sha256::state_bytes);
  const std::string_view state = text.substr(0, Sha256::state_bytes);
  if (const auto restored = Sha256::restore(state))
    check_restored(state, text.substr(state.size()));
  else
    require(is(restored.error(), Code::invalid));
  check_pause(text, size == 0 ? 0 : bytes[0] % (size + 1));
  return 0;
}
