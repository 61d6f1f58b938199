#include "storage/uploads/pieces.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/encoding.h"

namespace berth::storage {
namespace {

using model::CanonicalDigest;
using model::Sha256;
using Seconds = std::chrono::sys_seconds;

constexpr std::size_t hash_digits = 16;
constexpr std::string_view gone = "gone";
constexpr std::string_view form = "1"; // of a state's text

std::string short_hash(const Sha256& hash) { return std::string(hash.digest().hex().substr(0, hash_digits)); }

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t end = text.find(separator);
    fields.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Seconds> parse_seconds(std::string_view text) {
  constexpr std::uint64_t latest = 9'000'000'000; // in the year 2255: what a Time holds
  const auto number = parse_number(text);
  if (!number || *number > latest) return std::nullopt;
  return Seconds(std::chrono::seconds(*number));
}

std::string to_text(Seconds time) { return std::to_string(time.time_since_epoch().count()); }

} // namespace

std::string Piece::name() const {
  return to_text(started) + "-" + std::to_string(first) + "-" + std::to_string(end) + "-" + before + "-" + after;
}

std::optional<Piece> Piece::parse(std::string_view name) {
  const auto fields = split(name, '-');
  if (fields.size() != 5 || fields[3].size() != hash_digits || fields[4].size() != hash_digits) return std::nullopt;
  const auto started = parse_seconds(fields[0]);
  const auto first = parse_number(fields[1]), end = parse_number(fields[2]);
  if (!started || !first || !end || *first >= *end) return std::nullopt;
  return Piece{*started, *first, *end, std::string(fields[3]), std::string(fields[4])};
}

Piece PartState::since(const PartState& before) const {
  return {started, before.size(), size(), short_hash(before.hash), short_hash(hash)};
}

std::string PartState::to_text() const {
  std::string text = std::string(form) + "." + storage::to_text(started) + ".";
  if (size() > 0) text += to_base64url(hash.save());
  text += ".";
  if (placed) text += std::to_string(placed->size) + "." + std::string(placed->digest.hex());
  return text;
}

std::optional<PartState> PartState::parse(std::string_view text) {
  const auto fields = split(text, '.');
  if (fields.size() < 4 || fields.size() > 5 || fields[0] != form) return std::nullopt;
  const auto started = parse_seconds(fields[1]);
  if (!started) return std::nullopt;
  PartState state{*started};
  if (!fields[2].empty()) {
    const auto saved = from_base64url(fields[2]);
    auto hash = saved ? Sha256::restore(*saved) : std::unexpected(saved.error());
    if (!hash) return std::nullopt;
    state.hash = *std::move(hash);
  }
  if (fields.size() == 4) return fields[3].empty() ? std::optional(state) : std::nullopt;
  const auto size = parse_number(fields[3]);
  const auto canonical = CanonicalDigest::parse("sha256:" + std::string(fields[4]));
  if (!size || !canonical || *size > state.size()) return std::nullopt;
  state.placed = Placed{*canonical, *size};
  return state;
}

Result<std::vector<Piece>> pieces_of(const PartState& state, const std::vector<std::string>& names) {
  std::vector<Piece> all;
  for (const std::string& name : names)
    if (auto piece = Piece::parse(name)) all.push_back(*std::move(piece));
  std::ranges::sort(all, {}, &Piece::first);

  using Place = std::pair<std::uint64_t, std::string>; // a length, and the hash of so much
  const Place begin = state.placed ? Place(state.placed->size, state.placed->digest.hex().substr(0, hash_digits))
                                   : Place(0, short_hash(Sha256()));
  std::map<Place, Piece> reached; // what leads to a place, all the way from the beginning
  for (Piece& piece : all) {
    const Place from(piece.first, piece.before);
    if (from != begin && !reached.contains(from)) continue; // another writer's, whose beginning is not ours
    Place to(piece.end, piece.after);
    reached.emplace(std::move(to), std::move(piece));
  }
  std::vector<Piece> pieces; // from the last one backwards
  for (Place at(state.size(), short_hash(state.hash)); at != begin; at = {pieces.back().first, pieces.back().before}) {
    const auto found = reached.find(at);
    if (found == reached.end())
      return fail(Code::not_found, "a piece of the upload is missing, which ends at " + std::to_string(at.first));
    pieces.push_back(found->second);
  }
  std::ranges::reverse(pieces);
  return pieces;
}

std::string gone_name(Seconds started) { return to_text(started) + "-" + std::string(gone); }

std::optional<Seconds> started_of(std::string_view name) {
  const std::size_t dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto started = parse_seconds(name.substr(0, dash));
  if (name.substr(dash + 1) != gone && !Piece::parse(name)) return std::nullopt;
  return started;
}

} // namespace berth::storage
