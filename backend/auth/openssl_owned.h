// Owned: an object of OpenSSL that is freed with its owner.
#pragma once

#include <memory>
#include <string_view>

namespace berth::auth {

template <auto Free>
struct Freer {
  void operator()(auto* object) const { Free(object); }
};
template <class Type, auto Free>
using Owned = std::unique_ptr<Type, Freer<Free>>;

inline const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

} // namespace berth::auth
