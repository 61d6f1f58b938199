#include "storage/enumerate/contents.h"

#include "storage/paths.h"

namespace berth::storage {
namespace {

// The directories, or all, below a directory.
Result<> each_directory(driver::StorageDriver& driver, const std::string& directory,
                        const std::function<Result<>(const std::string& name, const std::string& path)>& each) {
  return each_entry(driver, directory, [&](const driver::Entry& entry) -> Result<> {
    return entry.is_directory ? each(entry.name, directory + "/" + entry.name) : Result<>();
  });
}

// What is below the directory of an algorithm, whose label is that of its digests.
Result<> each_digest(driver::StorageDriver& driver, const std::string& directory, const std::string& label,
                     const EachLink& each) {
  return each_directory(driver, directory, [&](const std::string& hex, const std::string& path) -> Result<> {
    const auto digest = model::Digest::parse_stored(label + ":" + hex);
    return digest ? each(*digest, path) : Result<>();
  });
}

// Below `tarsum`: <v0, v1 or dev>/<hash>/<hex>.
Result<> each_tarsum(driver::StorageDriver& driver, const std::string& directory, const EachLink& each) {
  return each_directory(driver, directory, [&](const std::string& version, const std::string& versioned) -> Result<> {
    const std::string prefix = version == "v0" ? "tarsum+" : "tarsum." + version + "+";
    return each_directory(driver, versioned, [&](const std::string& hash, const std::string& path) -> Result<> {
      return each_digest(driver, path, prefix + hash, each);
    });
  });
}

// Below <algorithm>/<hex>.
Result<> each_link(driver::StorageDriver& driver, const std::string& top, const EachLink& each) {
  return each_directory(driver, top, [&](const std::string& algorithm, const std::string& path) -> Result<> {
    return algorithm == "tarsum" ? each_tarsum(driver, path, each) : each_digest(driver, path, algorithm, each);
  });
}

Result<> each_membership_in(driver::StorageDriver& driver, const std::string& directory, const std::string& name,
                            const EachMembership& each) {
  return each_entry(driver, directory, [&](const driver::Entry& entry) -> Result<> {
    const std::string path = directory + "/" + entry.name;
    if (entry.is_directory)
      return each_membership_in(driver, path, name.empty() ? entry.name : name + "/" + entry.name, each);
    const auto repository = model::RepositoryName::parse(name);
    return repository && entry.name == paths::v1_member_file ? each(*repository, path) : Result<>();
  });
}

} // namespace

Result<> each_entry(driver::StorageDriver& driver, const std::string& directory, const EachEntry& each) {
  std::string after;
  for (;;) {
    const auto page = driver.list(directory, after, page_size);
    if (!page && is(page.error(), Code::not_found)) return {};
    if (!page) return std::unexpected(page.error());
    for (const driver::Entry& entry : *page) BERTH_CHECK(each(entry));
    if (page->size() < page_size) return {};
    after = page->back().name;
  }
}

Result<> each_layer(driver::StorageDriver& driver, const model::RepositoryName& name, const EachLink& each) {
  return each_link(driver, paths::layers(name), each);
}

Result<> each_revision(driver::StorageDriver& driver, const model::RepositoryName& name, const EachLink& each) {
  return each_digest(driver, paths::revisions(name), "sha256", each);
}

Result<> each_alias(driver::StorageDriver& driver, const model::RepositoryName& name, const EachLink& each) {
  return each_link(driver, paths::aliases(name), each);
}

Result<> each_signature(driver::StorageDriver& driver, const model::RepositoryName& name,
                        const model::CanonicalDigest& manifest, const EachLink& each) {
  return each_link(driver, paths::signatures(name, manifest), each);
}

Result<> each_blob_alias(driver::StorageDriver& driver, const EachLink& each) {
  return each_directory(driver, paths::blob_aliases(), [&](const std::string& algorithm, const std::string& top) {
    return each_directory(driver, top, [&](const std::string&, const std::string& shard) {
      return each_entry(driver, shard, [&](const driver::Entry& entry) -> Result<> {
        const auto digest = model::Digest::parse_stored(algorithm + ":" + entry.name);
        return digest && !entry.is_directory ? each(*digest, shard + "/" + entry.name) : Result<>();
      });
    });
  });
}

Result<> each_referrer(driver::StorageDriver& driver, const model::RepositoryName& name, const EachReferrer& each) {
  return each_link(driver, paths::referrers(name), [&](const model::Digest& subject, const std::string& directory) {
    return each_link(driver, directory, [&](const model::Digest& referrer, const std::string& path) -> Result<> {
      return each(subject, referrer, path);
    });
  });
}

Result<> each_tag(driver::StorageDriver& driver, const model::RepositoryName& name, const EachTag& each) {
  return each_directory(driver, paths::tags(name), [&](const std::string& text, const std::string&) -> Result<> {
    const auto tag = model::Tag::parse(text);
    return tag ? each(*tag) : Result<>();
  });
}

Result<> each_upload(driver::StorageDriver& driver, const std::string& repository, const EachPath& each) {
  const std::string uploads = repository + "/_uploads";
  return each_entry(driver, uploads, [&](const driver::Entry& entry) { return each(uploads + "/" + entry.name); });
}

Result<> each_blob_of(driver::StorageDriver& driver, const std::string& shard, const EachBlob& each) {
  return each_digest(driver, paths::blob_shard(shard), "sha256", [&](const model::Digest& digest, const auto&) {
    const auto canonical = model::CanonicalDigest::from(digest);
    return canonical && digest.hex().starts_with(shard) ? each(*canonical) : Result<>();
  });
}

Result<> each_blob(driver::StorageDriver& driver, const EachBlob& each) {
  return each_directory(driver, paths::blobs(), [&](const std::string& shard, const std::string&) {
    return each_blob_of(driver, shard, each);
  });
}

Result<> each_v1_image(driver::StorageDriver& driver, const EachImage& each) {
  return each_directory(driver, paths::v1_images(), [&](const std::string& text, const std::string&) -> Result<> {
    const auto id = model::ImageId::parse(text);
    return id ? each(*id) : Result<>();
  });
}

Result<> each_v1_upload(driver::StorageDriver& driver, const model::ImageId& id, const EachPath& each) {
  const std::string uploads = paths::v1_uploads(id);
  return each_entry(driver, uploads, [&](const driver::Entry& entry) -> Result<> {
    return entry.is_directory ? Result<>() : each(uploads + "/" + entry.name);
  });
}

Result<> each_v1_membership(driver::StorageDriver& driver, const model::ImageId& id, const EachMembership& each) {
  return each_membership_in(driver, paths::v1_repositories(id), "", each);
}

Result<> each_v1_pushed(driver::StorageDriver& driver, const model::RepositoryName& name, const EachPushed& each) {
  return each_digest(driver, paths::v1_pushed(name) + "/sha256", "sha256",
                     [&](const model::Digest& digest, const std::string& directory) -> Result<> {
                       const auto manifest = model::CanonicalDigest::from(digest);
                       return manifest ? each(*manifest, directory + "/image") : Result<>();
                     });
}

} // namespace berth::storage
