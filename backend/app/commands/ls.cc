#include "app/commands/ls.h"

#include <unistd.h>

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

constexpr std::size_t page_size = 1000;

// Rows as they come: an array of JSON, or columns.
class Rows {
public:
  explicit Rows(OutputForm form) : form_(form) {}
  void add(const Json& row, const std::string& text) {
    if (form_ == OutputForm::text) {
      std::puts(text.c_str());
    } else {
      std::fputs(first_ ? "[" : ",", stdout);
      std::printf("\n  %s", row.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
      first_ = false;
    }
  }
  void end() {
    if (form_ == OutputForm::json) std::puts(first_ ? "[]" : "\n]");
    std::fflush(stdout);
  }

private:
  const OutputForm form_;
  bool first_ = true;
};

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::size_t width_of(const std::vector<std::string>& texts) {
  std::size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, text.size());
  return width;
}

// On a terminal the rows themselves show how far it is.
Loudness beside_rows(Loudness loudness) { return ::isatty(STDOUT_FILENO) == 1 ? Loudness::quiet : loudness; }

Result<> list_repositories(Store& store, Rows& rows, Progress& progress) {
  registry::Page page;
  std::string last;
  do {
    BERTH_TRY(page, store.registry().repositories({last, page_size}));
    for (const std::string& name : page.entries) {
      rows.add(name, name);
      progress.advance();
      last = name;
    }
  } while (page.more);
  return {};
}

std::string error_text(const Error& error) {
  if (!error.message.empty()) return error.message;
  return is(error, Code::manifest_unknown) ? "the manifest is not there" : "cannot be read";
}

// Returns whether the tag could be read.
bool list_tag(Store& store, registry::Repository& repository, ImageSizes& sizes, const model::Tag& tag,
              std::size_t width, Rows& rows) {
  const auto target = repository.tags().get(tag);
  const auto size = target ? sizes.of(*target) : std::unexpected(target.error());
  Json row{{"tag", tag.str()}};
  std::string text = padded(tag.str(), width);
  if (target) {
    const std::string digest = repository.tags().client_digest(tag, *target).str();
    row["digest"] = digest;
    text += "  " + digest;
  }
  if (size) {
    row["mediaType"] = model::media_type_of(size->kind);
    row["size"] = size->bytes;
    text += "  " + padded(human_bytes(size->bytes), 6);
  } else {
    row["error"] = error_text(size.error());
    text += "  (" + error_text(size.error()) + ")";
  }
  if (const auto tagged = store.tagged(repository.name(), tag)) {
    row["tagged"] = to_rfc3339(*tagged);
    text += "  " + human_time(std::chrono::floor<std::chrono::seconds>(SystemClock().now() - *tagged)) + " ago";
  }
  rows.add(row, text);
  return size.has_value();
}

Result<bool> list_tags(Store& store, const model::RepositoryName& name, Rows& rows, Progress& progress) {
  const auto repository = store.registry().repository(name);
  ImageSizes sizes(*repository);
  const auto tags = repository->tags().list({}); // names alone; what is large comes one by one
  if (!tags && is(tags.error(), Code::name_unknown))
    return fail(Code::not_found, name.str() + ": there is no such repository; `berth ls CONFIG` names them");
  BERTH_CHECK(tags);
  progress.expect(tags->entries.size());
  const std::size_t width = width_of(tags->entries);
  bool all_well = true;
  for (const std::string& text : tags->entries) {
    BERTH_TRY(const auto tag, model::Tag::parse(text));
    all_well = list_tag(store, *repository, sizes, tag, width, rows) && all_well;
    progress.advance();
  }
  return all_well;
}

Result<bool> list(const ConfigAndWords& asked, Rows& rows, Loudness loudness) {
  std::optional<ImageName> name;
  if (!asked.rest.empty()) {
    BERTH_TRY(name, parse_image_name(asked.rest.front()));
  }
  if (asked.rest.size() > 1 || (name && name->reference))
    return fail(Code::invalid, "ls takes one repository, without tag and digest; `berth inspect` shows an image");
  BERTH_TRY(const auto store, Store::open(asked.config));
  Progress progress(name ? "tags" : "repositories", Progress::Unit::items, loudness);
  if (name) return list_tags(*store, name->repository, rows, progress);
  BERTH_CHECK(list_repositories(*store, rows, progress));
  return true;
}

} // namespace

int ls(const std::vector<std::string>& words, OutputForm form, Loudness loudness) {
  const auto asked = split_config(words);
  if (!asked) return complain(asked.error());
  Rows rows(form);
  const auto listed = list(*asked, rows, beside_rows(loudness));
  if (!listed) return complain(listed.error());
  rows.end();
  return *listed ? exit_ok : exit_failure;
}

} // namespace berth::app
