#include "storage/v1/tags.h"

#include "model/media_types.h"
#include "model/v1_push.h"
#include "storage/paths.h"
#include "storage/put_files.h"
#include "storage/v1/chains.h"
#include "storage/v1/gzip_layer.h"
#include "storage/v1/layer_sums.h"

namespace berth::storage {
namespace {

using driver::Durability;
using registry::MayRead;
using registry::Repository;

// Returns true for errors caused by the store rather than by the image.
bool is_trouble(const Error& error) {
  return !is(error, Code::manifest_invalid) && !is(error, Code::manifest_unknown) && !is(error, Code::corrupt) &&
         !is(error, Code::digest_invalid);
}

std::string key_of(const Repository& repository, const CanonicalDigest& manifest) {
  return repository.name().str() + "@" + manifest.str();
}

// Makes a blob of the store visible in the repository. Errors: image_unknown if it is gone.
Result<> adopt(Repository& repository, const model::Digest& digest) {
  const auto adopted = repository.blobs().adopt(digest);
  if (!adopted && is(adopted.error(), Code::blob_unknown)) return fail(Code::image_unknown);
  BERTH_CHECK(adopted);
  return {};
}

// The write that records which pushed image a manifest was made of; pass it to put().
driver::PutFile pushed_file(const Repository& repository, const CanonicalDigest& manifest, const ImageId& id) {
  return {paths::v1_pushed(repository.name(), manifest), Content::of(id.str())};
}

} // namespace

// Whether the image that is there under an entry's id is the entry's. It may be packed in another way, and its JSON be
// written in another: docker does so with what it pulled. Of an id that follows from content the top's stands for the
// whole config.
Result<bool> V1Tags::is_same(const Entry& entry, const registry::V1Image& found) {
  if (found.parent != entry.parent) return false;
  const auto layer = entry.repository.blobs().stat(entry.image.blob);
  if (!layer && is(layer.error(), Code::blob_unknown)) return false;
  BERTH_CHECK(layer);
  if (found.layer.digest == layer->digest) return true;
  const auto diff_id = [&](const CanonicalDigest& digest,
                           const std::optional<model::Digest>& known) -> Result<std::optional<model::Digest>> {
    if (known) return known;
    BERTH_TRY(const auto task, parts_.unpacking.begin(entry.is_gone));
    BERTH_TRY(const Content bytes, blobs_.open(digest));
    const auto sums = sum_layer(*task, {}, bytes);
    if (!sums && is(sums.error(), Code::image_invalid)) return std::optional<model::Digest>();
    BERTH_CHECK(sums);
    return std::optional<model::Digest>(sums->diff_id);
  };
  BERTH_TRY(const auto ours, diff_id(layer->digest, entry.diff_id));
  BERTH_TRY(const auto theirs, diff_id(found.layer.digest, found.diff_id));
  return ours && ours == theirs;
}

// Drops what a v1 client pushed under an id that belongs to another image.
Result<> V1Tags::drop_pushed(const Entry& entry) {
  const auto json = parts_.driver.stat(paths::v1_json(entry.id));
  if (!json && is(json.error(), Code::not_found)) return {};
  BERTH_CHECK(json);
  for (const std::string& path : {paths::v1_image(entry.id), paths::v1_json(entry.id)}) {
    const auto removed = parts_.driver.remove(path, Durability::durable);
    if (!removed && !is(removed.error(), Code::not_found)) return removed;
  }
  return {};
}

// An id that follows from content stands for it: old clients keep what they once got under it. Whatever else is there
// under such an id, pushed by a v1 client or said to be so by a schema1 manifest, is there no more afterwards.
Result<> V1Tags::claim(const Entry& entry) {
  const auto found = parts_.images.find(entry.id, nullptr);
  if (!found && is(found.error(), Code::image_unknown)) return {};
  if (!found && is(found.error(), Code::image_unfinished)) return drop_pushed(entry);
  BERTH_CHECK(found);
  BERTH_TRY(const bool same, is_same(entry, *found));
  if (same && (!entry.is_top || found->json == entry.image.json)) return {};
  parts_.logger.warn("something else was pushed under an image's id; dropped", {{"image", entry.id.str()}});
  BERTH_CHECK(drop_pushed(entry));
  BERTH_TRY(const auto members, members_.of(entry.id));
  for (const auto& [name, manifest] : members) {
    const auto chain = v1_chain_of(*parts_.registry.repository(name), manifest);
    if (!chain || !chain->chosen_ids) continue;
    const auto removed = parts_.driver.remove(paths::v1_member(entry.id, name), Durability::scratch);
    if (!removed && !is(removed.error(), Code::not_found)) return removed;
  }
  return {};
}

// Client-chosen ids belong to the first pusher. Returns true if the id is still free. Errors: manifest_invalid if it is
// another image's.
Result<bool> V1Tags::yield(const Entry& entry) {
  const auto found = parts_.images.find(entry.id, nullptr);
  if (!found && (is(found.error(), Code::image_unknown) || is(found.error(), Code::image_unfinished))) return true;
  BERTH_CHECK(found);
  BERTH_TRY(const bool same, is_same(entry, *found));
  if (!same) return fail(Code::manifest_invalid, {}, "an id in it is another image's");
  return found->json == entry.image.json;
}

// Makes the images of a manifest be found by their ids, and returns the first. Errors: those of v1_chain_of.
Result<V1Tags::Entered> V1Tags::enter_chain(Repository& repository, const CanonicalDigest& manifest,
                                            const IsGone& is_gone) {
  BERTH_TRY(const V1Chain chain, v1_chain_of(repository, manifest));
  std::optional<ImageId> parent;
  bool lasting = true;
  for (std::size_t i = chain.images.size(); i-- > 0;) { // base first, so that what is found has its parents
    const model::V1Image& image = chain.images[i];
    BERTH_TRY(ImageId id, ImageId::parse(image.id));
    if (image.adds_nothing) BERTH_CHECK(repository.blobs().put(model::media::octet_stream, model::empty_tar_gzip()));
    const Entry entry{repository, id, parent, image, chain.diff_ids[i], i == 0, is_gone};
    bool is_ours = true;
    if (chain.chosen_ids) {
      BERTH_TRY(is_ours, yield(entry));
    } else {
      BERTH_CHECK(claim(entry));
    }
    if (is_ours) BERTH_CHECK(members_.note(id, {repository.name(), manifest}));
    lasting = lasting && is_ours;
    parent = std::move(id);
  }
  return Entered{*std::move(parent), lasting}; // a chain is never empty
}

// The id, and whether it may be remembered.
Result<std::pair<V1Tags::Known, bool>> V1Tags::look_up(Repository& repository, const CanonicalDigest& manifest,
                                                       const IsGone& is_gone) {
  // As it was pushed by a v1 client, which finds again what it has.
  const auto pushed = parts_.driver.get_content(paths::v1_pushed(repository.name(), manifest), ImageId::length);
  if (pushed)
    if (auto id = ImageId::parse(*pushed); id && parts_.images.find(*id, nullptr))
      return std::pair(Known(*std::move(id)), true);
  auto entered = enter_chain(repository, manifest, is_gone);
  if (entered) return std::pair(Known(std::move(entered->top)), entered->lasting);
  if (is_trouble(entered.error())) return std::unexpected(std::move(entered).error());
  const Error& why = entered.error();
  const std::string complaint = repository.name().str() + "@" + manifest.str() + " " + why.detail;
  const bool is_new = !known_.find(complaint);
  known_.put(complaint, Known());
  if (is_new)
    parts_.logger.warn("v1 clients cannot pull an image", {{"repository", repository.name().str()},
                                                           {"manifest", manifest.str()},
                                                           {"why", why.detail.empty() ? why.message : why.detail}});
  return std::pair(Known(), false); // what is missing today may be pushed tomorrow
}

Result<V1Tags::Known> V1Tags::id_of(Repository& repository, const CanonicalDigest& manifest, const IsGone& is_gone) {
  const std::string key = key_of(repository, manifest);
  if (const auto known = known_.find(key)) return *known;
  BERTH_TRY(auto found, look_up(repository, manifest, is_gone));
  const auto& [id, lasting] = found;
  if (lasting) remember(repository, manifest, *id);
  return id;
}

void V1Tags::remember(const Repository& repository, const CanonicalDigest& manifest, const ImageId& id) {
  known_.put(key_of(repository, manifest), id, id.str().size());
}

Result<std::optional<model::V1Chain>> V1Tags::pushed(Repository& repository, const CanonicalDigest& manifest) {
  std::optional<model::V1Chain> nothing;
  const auto text = parts_.driver.get_content(paths::v1_pushed(repository.name(), manifest), ImageId::length);
  if (!text && is(text.error(), Code::not_found)) return nothing;
  BERTH_CHECK(text);
  const auto top = ImageId::parse(*text);
  const auto ids = top ? parts_.images.ancestry(*top, nullptr) : Result<std::vector<ImageId>>(std::unexpect);
  if (!ids) return nothing; // not all of it is there any more
  model::V1Chain chain;
  for (const ImageId& id : *ids) {
    BERTH_TRY(registry::V1Image image, parts_.images.find(id, nullptr));
    if (id == *top) chain.architecture = model::architecture_of(image.json);
    chain.images.push_back({id.str(), std::move(image.json), image.layer.digest, image.layer.size, false});
  }
  return std::optional(std::move(chain));
}

Result<std::vector<V1Tags::Tagged>> V1Tags::list(Repository& repository, const IsGone& is_gone) {
  BERTH_TRY(const registry::Page page, repository.tags().list({}));
  if (page.entries.empty()) return fail(Code::name_unknown); // v1 knows no repository but by its tags
  std::vector<Tagged> tagged;
  for (const std::string& name : page.entries) {
    BERTH_TRY(const model::Tag tag, model::Tag::parse(name));
    const auto manifest = repository.tags().get(tag);
    if (!manifest && is(manifest.error(), Code::manifest_unknown)) continue; // removed meanwhile
    BERTH_CHECK(manifest);
    BERTH_TRY(Known id, id_of(repository, *manifest, is_gone));
    if (id) tagged.emplace_back(name, *std::move(id));
  }
  return tagged;
}

Result<ImageId> V1Tags::get(Repository& repository, const model::Tag& tag, const IsGone& is_gone) {
  BERTH_TRY(const CanonicalDigest manifest, repository.tags().get(tag));
  BERTH_TRY(Known id, id_of(repository, manifest, is_gone));
  if (!id) return fail(Code::manifest_unknown);
  return *std::move(id);
}

// A manifest of another repository, put into this one. Nothing: it cannot be.
Result<std::optional<CanonicalDigest>> V1Tags::copy(Repository& repository, const V1Members::Member& from,
                                                    const ImageId& id, const IsGone& is_gone) {
  std::optional<CanonicalDigest> nothing;
  const auto source = parts_.registry.repository(from.first);
  BERTH_TRY(const Known top, id_of(*source, from.second, is_gone));
  if (top != id) return nothing;
  const auto chain = v1_chain_of(*source, from.second);
  if (!chain) return nothing;
  BERTH_TRY(const model::Manifest manifest, source->manifests().get(chain->manifest));
  BERTH_TRY(const model::ManifestInfo info, model::detect_manifest(manifest.bytes));
  for (const model::ContentReference& content : info.contents) {
    const auto adopted = adopt(repository, content.digest);
    if (!adopted && is(adopted.error(), Code::image_unknown)) return nothing;
    BERTH_CHECK(adopted);
  }
  BERTH_TRY(const model::Descriptor put, repository.manifests().put(info, manifest.bytes));
  if (parts_.driver.stat(paths::v1_pushed(from.first, from.second))) // its images are pushed ones: here as well
    BERTH_CHECK(parts_.driver.put(in_order(pushed_file(repository, put.digest, id))));
  return std::optional(put.digest);
}

// Returns the manifest of this repository that an image is the v1 form of; nullopt if there is none.
Result<std::optional<CanonicalDigest>> V1Tags::manifest_of(Repository& repository, const ImageId& id,
                                                           const Caller& caller) {
  BERTH_TRY(const auto members, members_.of(id));
  for (const auto& [name, manifest] : members) {
    if (name != repository.name() || !repository.manifests().stat(manifest)) continue;
    BERTH_TRY(const Known top, id_of(repository, manifest, caller.is_gone));
    if (top == id) return std::optional(manifest);
  }
  for (const V1Members::Member& member : members) {
    if (member.first == repository.name()) continue;
    if (caller.may_read) {
      BERTH_TRY(const bool readable, caller.may_read(member.first));
      if (!readable) continue;
    }
    BERTH_TRY(auto copied, copy(repository, member, id, caller.is_gone));
    if (copied) return copied;
  }
  return std::optional<CanonicalDigest>();
}

Result<CanonicalDigest> V1Tags::make_manifest(Repository& repository, const ImageId& id, const Caller& caller) {
  BERTH_TRY(const auto task, parts_.unpacking.begin(caller.is_gone));
  BERTH_TRY(const auto ids, parts_.images.ancestry(id, caller.may_read));
  std::vector<model::V1Part> parts;
  for (const ImageId& one : ids) {
    BERTH_TRY(registry::V1Image image, parts_.images.find(one, caller.may_read));
    BERTH_CHECK(adopt(repository, image.layer.digest)); // also what is packed again: docker 1.6 to 1.9 take it as it is
    BERTH_TRY(image.diff_id, parts_.images.keep(image, *task));
    if (image.layer.media_type != model::media::docker_layer_gzip) {
      BERTH_TRY(const Content packed, blobs_.open(image.layer.digest));
      BERTH_TRY(image.layer, gzip_layer(*task, repository.blobs(), packed));
    }
    parts.push_back({std::move(image.json), std::move(image.layer), *std::move(image.diff_id)});
  }
  BERTH_TRY(const model::DockerImage made, model::docker_image_of(parts));
  BERTH_CHECK(repository.blobs().put(model::media::docker_image_config, made.config));
  BERTH_TRY(const model::ManifestInfo info, model::parse_manifest(model::media::docker_manifest, made.manifest));
  BERTH_TRY(const model::Descriptor put, repository.manifests().put(info, made.manifest));
  // Before the tag: whoever finds the manifest by it finds the pushed images too.
  std::vector<driver::PutFile> files = in_order(pushed_file(repository, put.digest, id));
  for (const ImageId& one : ids) files.push_back(members_.file(one, {repository.name(), put.digest}));
  BERTH_CHECK(parts_.driver.put(std::move(files)));
  // Until now it may have been known as one that no v1 client pushed: a power cut can take the one file alone.
  remember(repository, put.digest, id);
  return put.digest;
}

Result<> V1Tags::tag(Repository& repository, const model::Tag& tag, const ImageId& id, registry::IfTagged if_tagged,
                     const MayRead& may_read, const IsGone& is_gone) {
  const Caller caller{may_read, is_gone};
  BERTH_CHECK(parts_.images.ancestry(id, may_read)); // all of it must be there
  BERTH_TRY(std::optional<CanonicalDigest> manifest, manifest_of(repository, id, caller));
  if (!manifest) {
    BERTH_TRY(manifest, make_manifest(repository, id, caller));
  }
  return repository.tags().tag(tag, *manifest, *manifest, if_tagged);
}

Result<> V1Tags::keep_note(Repository& repository, const model::Tag& tag, std::string_view note) {
  if (note.size() > max_note_bytes) return fail(Code::size_invalid);
  const auto manifest = repository.tags().get(tag);
  if (!manifest && is(manifest.error(), Code::manifest_unknown)) return {}; // removed meanwhile
  BERTH_CHECK(manifest);
  return parts_.driver.put_scratch(paths::v1_note(repository.name(), tag), manifest->str() + "\n" + std::string(note));
}

// In the file, the manifest that the tag named stands before the note: whoever moves a tag need not know of notes.
Result<std::string> V1Tags::note(Repository& repository, const model::Tag& tag) {
  BERTH_TRY(const CanonicalDigest manifest, repository.tags().get(tag));
  const std::string head = manifest.str() + "\n";
  const auto text = parts_.driver.get_content(paths::v1_note(repository.name(), tag), head.size() + max_note_bytes);
  if (!text && (is(text.error(), Code::not_found) || is(text.error(), Code::size_invalid))) return std::string();
  BERTH_CHECK(text);
  return text->starts_with(head) ? text->substr(head.size()) : std::string();
}

} // namespace berth::storage
