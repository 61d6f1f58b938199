#include "storage/v1/record.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace berth::storage {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<Compression, std::string_view>, 4> compressions{{
    {Compression::none, "none"},
    {Compression::gzip, "gzip"},
    {Compression::bzip2, "bzip2"},
    {Compression::xz, "xz"},
}};

std::unexpected<Error> broken() { return fail(Code::corrupt, "not the record of a v1 image"); }

std::string member(const Json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

std::string to_text(const V1Record& record) {
  Json document{{"json", record.json.str()},
                {"layer", record.layer.str()},
                {"size", record.size},
                {"diff_id", record.diff_id.str()}};
  for (const auto& [compression, name] : compressions)
    if (compression == record.compression) document["compression"] = name;
  if (!record.payload.empty()) document["payload"] = record.payload;
  if (!record.tarsum.empty()) document["tarsum"] = record.tarsum;
  if (record.parent) document["parent"] = record.parent->str();
  return document.dump();
}

Result<V1Record> parse_v1_record(std::string_view text) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object()) return broken();
  const auto json = model::CanonicalDigest::parse(member(document, "json"));
  const auto layer = model::CanonicalDigest::parse(member(document, "layer"));
  const auto diff_id = model::Digest::parse(member(document, "diff_id"));
  const auto size = document.find("size");
  if (!json || !layer || !diff_id || size == document.end() || !size->is_number_unsigned()) return broken();
  V1Record record{*json,
                  std::nullopt,
                  *layer,
                  size->get<std::uint64_t>(),
                  *diff_id,
                  Compression::none,
                  member(document, "payload"),
                  member(document, "tarsum")};
  for (const auto& [compression, name] : compressions)
    if (name == member(document, "compression")) record.compression = compression;
  if (const std::string parent = member(document, "parent"); !parent.empty()) {
    auto id = model::ImageId::parse(parent);
    if (!id) return broken();
    record.parent = *std::move(id);
  }
  return record;
}

} // namespace berth::storage
