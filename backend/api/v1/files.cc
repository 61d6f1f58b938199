// GET /v1/images/<id>/files: what is in an image's layer, as web interfaces of the v1 registry show it.
#include <nlohmann/json.hpp>

#include "api/v1/endpoints.h"
#include "model/tar.h"

namespace berth::api::v1 {
namespace {

constexpr std::size_t max_bytes = registry::V1Images::max_kept_bytes; // of the list

char letter_of(char type) {
  switch (type) {
  case '1': return 'l';
  case '2': return 's';
  case '3': return 'c';
  case '4': return 'b';
  case '5': return 'd';
  case '6': return 'i';
  default: return 'f';
  }
}

// [name, type, whether it is deleted, size, mtime, mode, uid, gid] of each entry. A whiteout is the file it removes.
class FileList final : public model::TarVisitor {
public:
  Result<> begin(const model::TarEntry& entry) override {
    std::string name = entry.name;
    while (name.starts_with("./")) name.erase(0, 2);
    while (name.ends_with('/')) name.pop_back();
    if (name.empty() || name == ".") return {};
    const std::size_t slash = name.rfind('/');
    const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
    constexpr std::string_view whiteout = ".wh.", own = ".wh..wh.";
    if (name.compare(base, own.size(), own) == 0) return {};
    const bool deleted = name.compare(base, whiteout.size(), whiteout) == 0;
    if (deleted) name.erase(base, whiteout.size());
    const nlohmann::json file{(name.starts_with('/') ? "" : "/") + name,
                              std::string(1, letter_of(entry.type)),
                              deleted,
                              entry.size,
                              entry.mtime,
                              entry.mode,
                              entry.uid,
                              entry.gid};
    const std::string text = file.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (text_.size() + text.size() + 2 > max_bytes) return fail(Code::image_invalid, "The layer has too many files");
    text_.append(text_.empty() ? "[" : ",").append(text);
    return {};
  }
  Result<> data(std::span<const std::byte>) override { return {}; }

  // As JSON; once.
  std::string take() { return text_.empty() ? "[]" : std::move(text_) + "]"; }

private:
  std::string text_;
};

} // namespace

Outcome get_files(Call& call) {
  BERTH_TRY(const auto id, image_id(call));
  BERTH_TRY(const registry::V1Image image, call.services.v1_images->find(id, call.may_read));
  if (has_it(call)) return not_modified(call);
  FileList list;
  model::TarReader reader(list);
  auto read = call.services.v1_images->read_layer(
      image, [&](std::span<const std::byte> bytes) { return reader.update(bytes); }, call.request.client_is_gone);
  if (read) read = reader.finish();
  if (!read && is(read.error(), Code::invalid)) return fail(Code::image_invalid, "The layer is no tar archive");
  BERTH_CHECK(read);
  http::Response response = immutable(call);
  response.headers.add("Content-Type", "application/json");
  response.body = list.take();
  return response;
}

// Of an optional worker in docker-registry, which few ever switched on.
Outcome get_diff(Call&) { return fail(Code::bad_request, "Diff queue is disabled"); }

} // namespace berth::api::v1
