// References: a tag or a digest. Input: the text of one.
#include "fuzz/oracle.h"
#include "model/names.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

// A reference is exactly what one of its two parsers says of it, value or error.
template <class Value>
void check_same(const Result<model::Reference>& reference, const Result<Value>& expected) {
  require(reference.has_value() == expected.has_value());
  if (reference)
    require(std::get<Value>(*reference) == *expected);
  else
    require(reference.error().code == expected.error().code);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  const auto reference = model::parse_reference(text);
  const auto digest = model::Digest::parse(text);
  const auto tag = model::Tag::parse(text);
  require(!digest || !tag); // nothing is both
  if (text.find(':') != std::string_view::npos)
    check_same(reference, digest);
  else
    check_same(reference, tag);
  if (reference) require(std::visit([](const auto& value) { return value.str(); }, *reference) == text);
  return 0;
}
