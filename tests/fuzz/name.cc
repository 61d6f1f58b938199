// Repository names, tags and upload ids: what may stand in a path of the store. Input: one text, tried as each.
#include "driver/storage_driver.h"
#include "fuzz/oracle.h"
#include "model/names.h"
#include "storage/paths.h"

using namespace berth;
using namespace berth::fuzz;
namespace paths = storage::paths;
using model::RepositoryName;
using model::Tag;
using model::UploadId;

namespace {

const std::string component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const Grammar name_grammar(component + "(?:/" + component + ")*");
const Grammar tag_grammar("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");
const Grammar upload_id_grammar("[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}");

// `path` is a path of the driver that stays below `directory`, with exactly `text` between that and what follows.
void check_path(const std::string& path, const std::string& directory, std::string_view text) {
  require(driver::is_path(path));
  require(path.starts_with(directory + "/" + std::string(text)));
}

void check_name(std::string_view text) {
  const auto name = RepositoryName::parse(text);
  require(name.has_value() == (text.size() <= RepositoryName::max_length && name_grammar.matches(text)));
  if (!name) return require(is(name.error(), Code::name_invalid));
  require(name->str() == text);
  require(text.find("..") == std::string_view::npos);
  // The store's own directories begin with an underscore: no name can lead into another repository's.
  require(!text.starts_with('_') && text.find("/_") == std::string_view::npos);
  require(RepositoryName::parse(name->str()).value() == *name);
  check_path(paths::repository(*name), paths::repositories(), text);
  if (text.size() + 4 <= RepositoryName::max_length) require(RepositoryName::parse("app/" + name->str()).has_value());
}

void check_tag(std::string_view text, const RepositoryName& name) {
  const auto tag = Tag::parse(text);
  require(tag.has_value() == tag_grammar.matches(text));
  if (!tag) return require(is(tag.error(), Code::tag_invalid));
  require(tag->str() == text && Tag::parse(tag->str()).value() == *tag);
  check_path(paths::tag_current_link(name, *tag), paths::tags(name), text);
}

void check_upload_id(std::string_view text, const RepositoryName& name) {
  const auto id = UploadId::parse(text);
  require(id.has_value() == upload_id_grammar.matches(text));
  if (!id) return require(is(id.error(), Code::blob_upload_unknown));
  require(id->str() == text && UploadId::parse(id->str()).value() == *id);
  check_path(paths::upload_hash_state(name, *id, 7), paths::uploads(name), text);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const RepositoryName name = RepositoryName::parse("team/app").value();
  const std::string_view text = text_of(bytes, size);
  check_name(text);
  check_tag(text, name);
  check_upload_id(text, name);
  return 0;
}
