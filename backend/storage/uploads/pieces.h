// What uploads to objects are made of: the pieces that are kept until an upload ends, and the state by which whoever
// goes on with it finds them.
//
// A piece is named by where it begins and ends and by the hashes of all bytes before it and up to its end: a chunk that
// is sent again replaces itself, and of two writers on one upload neither can be in the other's way.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/digester.h"

namespace berth::storage {

struct Piece {
  std::chrono::sys_seconds started; // of its upload
  std::uint64_t first = 0, end = 0;
  std::string before, after; // hashes

  std::uint64_t size() const { return end - first; }
  std::string name() const;
  static std::optional<Piece> parse(std::string_view name); // nullopt for any other name
};

// How far an upload has come; its text is the state that its token carries (registry::UploadProgress).
struct PartState {
  // The bytes that came first, if they lie where the blob has its place that they may turn out to be.
  struct Placed {
    model::CanonicalDigest digest;
    std::uint64_t size = 0;
  };

  std::chrono::sys_seconds started;
  model::Sha256 hash = {}; // of all bytes so far
  std::optional<Placed> placed = {};

  std::uint64_t size() const { return hash.length(); }
  bool has_pieces() const { return size() > (placed ? placed->size : 0); }
  // The piece that makes this state of one before.
  Piece since(const PartState& before) const;

  std::string to_text() const;
  static std::optional<PartState> parse(std::string_view text);
};

// The pieces of which a state consists, in order, out of the names of all that are there; what was placed is none.
// Errors: not_found if one is missing.
Result<std::vector<Piece>> pieces_of(const PartState& state, const std::vector<std::string>& names);

// The name of the object that says that an upload was cancelled.
std::string gone_name(std::chrono::sys_seconds started);
// When the upload began to which a name belongs; nullopt: it is no upload's.
std::optional<std::chrono::sys_seconds> started_of(std::string_view name);

} // namespace berth::storage
