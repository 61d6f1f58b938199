#include "app/commands/inspect.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/human.h"
#include "app/commands/image_size.h"
#include "app/commands/store.h"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_config_bytes = 1 << 20;
constexpr std::size_t referrers_page = 100, max_referrers = 10'000;

// What of it is text; empty if there is none.
std::string text_of(const Json& object, const char* member) {
  const auto found = object.is_object() ? object.find(member) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json content_row(const model::ContentReference& content) {
  return {{"digest", content.digest.str()}, {"size", content.size}, {"mediaType", content.media_type}};
}

// Platform, time and labels, of an image's config, as far as it has them.
void add_config(registry::Repository& repository, const model::ContentReference& config, Json& page) {
  const auto bytes = repository.blobs().get(config.digest, max_config_bytes);
  if (!bytes) return;
  const Json document = Json::parse(*bytes, nullptr, false);
  if (const std::string os = text_of(document, "os"); !os.empty())
    page["platform"] = os + "/" + text_of(document, "architecture");
  if (const std::string created = text_of(document, "created"); !created.empty()) page["created"] = created;
  const auto runtime = document.is_object() ? document.find("config") : document.end();
  if (runtime == document.end() || !runtime->is_object()) return;
  if (const auto labels = runtime->find("Labels"); labels != runtime->end() && labels->is_object() && !labels->empty())
    page["labels"] = *labels;
}

void add_children(registry::Repository& repository, const model::ManifestInfo& info, Json& page) {
  ImageSizes sizes(repository);
  for (const model::ContentReference& child : info.contents) {
    Json row{{"platform", child.os.empty() ? "" : child.os + "/" + child.architecture},
             {"digest", child.digest.str()},
             {"mediaType", child.media_type}};
    if (const auto size = sizes.of(child.digest)) {
      row["size"] = size->bytes;
    } else {
      row["missing"] = true; // a sparse index, or damage
    }
    page["manifests"].push_back(std::move(row));
  }
}

Result<> add_referrers(registry::Repository& repository, const model::Digest& subject, Json& page) {
  registry::ReferrersPage found;
  std::size_t count = 0;
  do {
    BERTH_TRY(found, repository.referrers().list({subject, {}, found.last, referrers_page}));
    for (const registry::ListedReferrer& one : found.entries)
      page["referrers"].push_back({{"digest", one.digest.str()},
                                   {"artifactType", one.what.artifact_type},
                                   {"size", one.what.size},
                                   {"mediaType", model::media_type_of(one.what.kind)}});
    count += found.entries.size();
  } while (found.more && count < max_referrers);
  return {};
}

// Errors: not_found, as a person reads it.
template <class T>
Result<T> found(Result<T> result, const std::string& what) {
  if (result || !is(result.error(), Code::manifest_unknown)) return result;
  return fail(Code::not_found, what + ": there is no such image; `berth ls CONFIG REPOSITORY` names the tags");
}

Result<Json> page_of(Store& store, const ImageName& name) {
  const auto repository = store.registry().repository(name.repository);
  BERTH_TRY(const model::Tag latest, model::Tag::parse("latest"));
  const model::Reference reference = name.reference.value_or(latest);
  Json page{{"repository", name.repository.str()}};
  std::optional<model::Digest> digest;
  if (const auto* tag = std::get_if<model::Tag>(&reference)) {
    const std::string text = name.repository.str() + ":" + tag->str();
    BERTH_TRY(const auto target, found(repository->tags().get(*tag), text));
    page["tag"] = tag->str();
    if (const auto tagged = store.tagged(name.repository, *tag)) page["tagged"] = to_rfc3339(*tagged);
    digest = repository->tags().client_digest(*tag, target);
  } else {
    digest = std::get<model::Digest>(reference);
  }
  BERTH_TRY(const auto manifest,
            found(repository->manifests().get(*digest), name.repository.str() + "@" + digest->str()));
  BERTH_TRY(const auto info, model::detect_manifest(manifest.bytes));
  BERTH_TRY(const ImageSize size, ImageSizes(*repository).of(*digest));
  page["digest"] = digest->str();
  page["mediaType"] = model::media_type_of(info.kind);
  page["manifestSize"] = manifest.bytes.size();
  page["size"] = size.bytes;
  if (info.subject) page["subject"] = info.subject->str();
  if (model::is_index(info.kind)) {
    add_children(*repository, info, page);
  } else {
    const bool has_config = info.kind != model::ManifestKind::schema1 && !info.contents.empty();
    if (has_config) {
      page["config"] = content_row(info.contents.front());
      add_config(*repository, info.contents.front(), page);
    }
    for (std::size_t i = has_config ? 1 : 0; i < info.contents.size(); ++i)
      page["layers"].push_back(content_row(info.contents[i]));
  }
  BERTH_CHECK(add_referrers(*repository, *digest, page));
  return page;
}

// Without what would move the cursor of a terminal: labels are strangers' words.
std::string plain(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

void print_list(const Json& page, const char* member, const char* words) {
  if (!page.contains(member)) return;
  std::printf("%s\n", member);
  for (const Json& row : page[member]) {
    std::string size = "missing";
    if (row.contains("size")) size = human_bytes(row["size"].get<std::uint64_t>());
    std::string line = "  " + text_of(row, "digest") + "  " + size;
    line.resize(std::max<std::size_t>(line.size(), 82), ' ');
    std::printf("%s  %s\n", line.c_str(), plain(text_of(row, words)).c_str());
  }
}

void print(const Json& page) {
  const auto one = [&](const char* what, const std::string& text) {
    if (!text.empty()) std::printf("%-11s %s\n", what, plain(text).c_str());
  };
  one("repository", text_of(page, "repository"));
  one("tag", text_of(page, "tag"));
  one("tagged", text_of(page, "tagged"));
  one("digest", text_of(page, "digest"));
  one("media type", text_of(page, "mediaType"));
  one("size", human_bytes(page["size"].get<std::uint64_t>()) + ", the manifest itself " +
                  human_bytes(page["manifestSize"].get<std::uint64_t>()));
  one("subject", text_of(page, "subject"));
  one("platform", text_of(page, "platform"));
  one("created", text_of(page, "created"));
  if (page.contains("labels"))
    for (const auto& [name, value] : page["labels"].items())
      one("label", name + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
  print_list(page, "manifests", "platform");
  print_list(page, "layers", "mediaType");
  print_list(page, "referrers", "artifactType");
}

Result<Json> inspected(const std::vector<std::string>& words) {
  BERTH_TRY(const auto asked, split_config(words));
  if (asked.rest.size() != 1) return fail(Code::invalid, "inspect takes one image: REPOSITORY[:TAG|@DIGEST]");
  BERTH_TRY(const ImageName name, parse_image_name(asked.rest.front()));
  BERTH_TRY(const auto store, Store::open(asked.config));
  return page_of(*store, name);
}

} // namespace

int inspect(const std::vector<std::string>& words, OutputForm form) {
  const auto page = inspected(words);
  if (!page) return complain(page.error());
  if (form == OutputForm::json)
    std::puts(page->dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  else
    print(*page);
  return exit_ok;
}

} // namespace berth::app
