#include "fault/push.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "model/digester.h"
#include "model/manifest.h"
#include "model/media_types.h"
#include "unit/temp_dir.h"

namespace berth::test {
namespace {

namespace fs = std::filesystem;

// The first chunk alone needs no hash state, with the second one the upload has states of both.
constexpr std::size_t chunk_bytes = 200'000;

std::string chunk(int number) { return std::string(chunk_bytes, static_cast<char>('a' + number)); }

// Content as nginx hands it over: a file of its own.
Content spooled(const std::string& spool, const std::string& bytes) {
  static int number = 0;
  const std::string path = spool + "/" + std::to_string(++number);
  std::ofstream(path, std::ios::binary) << bytes;
  return Content::open(path).value();
}

Result<std::unique_ptr<registry::BlobWriter>> begin(registry::Repository& repository) {
  BERTH_TRY(registry::Created created, repository.blobs().create(std::nullopt));
  return std::get<std::unique_ptr<registry::BlobWriter>>(std::move(created));
}

Result<model::Descriptor> push_whole(registry::Repository& repository, const std::string& spool,
                                     const std::string& bytes) {
  BERTH_TRY(const auto writer, begin(repository));
  return writer->commit(spooled(spool, bytes), model::CanonicalDigest::of_bytes(bytes));
}

Result<model::Descriptor> push_chunks(registry::Repository& repository, const std::string& spool,
                                      Acknowledged& acknowledged) {
  BERTH_TRY(auto writer, begin(repository));
  const model::UploadId id = writer->id();
  acknowledged.upload = id.str();
  std::string bytes;
  for (int i = 0; i < 2; ++i) {
    BERTH_CHECK(writer->append(spooled(spool, chunk(i)), registry::Comes::in_chunks));
    bytes += chunk(i);
    acknowledged.upload_size = bytes.size();
    writer.reset(); // a request ends
    BERTH_TRY(writer, repository.blobs().resume(id, {}));
  }
  bytes += chunk(2);
  auto descriptor = writer->commit(spooled(spool, chunk(2)), model::CanonicalDigest::of_bytes(bytes));
  if (descriptor) {
    acknowledged.blobs[descriptor->digest.str()] = bytes;
    acknowledged.upload.reset();
  }
  return descriptor;
}

std::string describe(const model::Descriptor& descriptor) {
  return R"({"mediaType":"application/x","size":)" + std::to_string(descriptor.size) + R"(,"digest":")" +
         descriptor.digest.str() + "\"}";
}

// A manifest about the image, under another algorithm than the store's.
bool push_referrer(registry::Repository& repository, const model::Descriptor& config, const model::Digest& subject,
                   Acknowledged& done) {
  const std::string bytes = R"({"schemaVersion":2,"config":)" + describe(config) +
                            R"(,"layers":[],"subject":{"digest":")" + subject.str() + "\"}}";
  const model::Digest name = model::digest_of(model::Algorithm::sha512, bytes);
  if (!repository.manifests().put(model::parse_manifest(model::media::oci_manifest, bytes).value(), bytes, name))
    return false;
  done.manifests[name.str()] = bytes;
  done.referrer = {subject.str(), name.str()};
  return true;
}

std::set<std::string> referrers_of(registry::Repository& repository, const std::string& subject) {
  std::set<std::string> names;
  const auto page = repository.referrers().list({model::Digest::parse(subject).value(), {}, {}, 100});
  if (!page) return {page.error().message};
  for (const auto& entry : page->entries)
    if (repository.manifests().get(entry.digest)) names.insert(entry.digest.str());
  return names;
}

} // namespace

Store::Store(const std::string& root, driver::FsOps& ops)
    : driver_(root, ops, random_),
      cache_(std::make_unique<cache::Memory>(100)),
      locks_(root, ops),
      uploads_(driver_, clock_, random_),
      registry_({driver_, locks_, uploads_, &cache_, storage::ManifestRules::make({}).value(), random_, logger_}) {}

std::unique_ptr<registry::Repository> Store::repository(const std::string& name) {
  return registry_.repository(model::RepositoryName::parse(name).value());
}

Acknowledged push(Store& store, const std::string& spool) {
  Acknowledged done;
  const auto repository = store.repository("team/app");
  const auto config = push_whole(*repository, spool, "{}");
  if (!config) return done;
  done.blobs[config->digest.str()] = "{}";
  const auto layer = push_chunks(*repository, spool, done);
  if (!layer) return done;
  const std::string manifest =
      R"({"schemaVersion":2,"config":)" + describe(*config) + R"(,"layers":[)" + describe(*layer) + "]}";
  const auto info = model::parse_manifest(model::media::oci_manifest, manifest).value();
  const auto stored = repository->manifests().put(info, manifest);
  if (!stored) return done;
  done.manifests[stored->digest.str()] = manifest;
  if (!push_referrer(*repository, *config, stored->digest, done)) return done;
  if (repository->tags().tag(model::Tag::parse("v1").value(), stored->digest)) done.tag_target = stored->digest.str();
  return done;
}

std::vector<std::string> faults_of(const std::string& root) {
  std::vector<std::string> faults;
  const std::string blobs = root + "/docker/registry/v2/blobs/sha256/";
  const std::string parked = root + "/berth/collected/sha256/"; // whose readers find it all the same
  if (!fs::exists(root + "/docker")) return faults;
  for (const auto& entry : fs::recursive_directory_iterator(root + "/docker")) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path(), bytes = read_whole(path);
    if (path.starts_with(blobs)) {
      const std::string hex = entry.path().parent_path().filename();
      const auto digest = model::CanonicalDigest::of_bytes(bytes);
      if (entry.path().filename() != "data" || digest.hex() != hex) faults.push_back("not its digest: " + path);
    } else if (entry.path().filename() == "link") {
      const auto digest = model::CanonicalDigest::parse(bytes);
      if (!digest)
        faults.push_back("not a link: " + path + ": \"" + bytes + "\"");
      else if (const std::string hex(digest->hex()), shard = hex.substr(0, 2) + "/";
               !fs::exists(blobs + shard + hex + "/data") && !fs::exists(parked + shard + hex))
        faults.push_back("leads nowhere: " + path);
    }
  }
  return faults;
}

std::vector<std::string> missing_from(Store& store, const Acknowledged& acknowledged) {
  std::vector<std::string> missing;
  const auto repository = store.repository("team/app");
  for (const auto& [name, bytes] : acknowledged.blobs) {
    const auto found = repository->blobs().get(model::Digest::parse(name).value(), 1 << 20);
    if (!found || *found != bytes) missing.push_back("blob " + name);
  }
  for (const auto& [name, bytes] : acknowledged.manifests) {
    const auto found = repository->manifests().get(model::Digest::parse(name).value());
    if (!found || found->bytes != bytes) missing.push_back("manifest " + name);
  }
  if (acknowledged.referrer) {
    const auto& [subject, name] = *acknowledged.referrer;
    if (referrers_of(*repository, subject) != std::set{name}) missing.push_back("referrer " + name);
  }
  if (acknowledged.tag_target) {
    const auto found = repository->tags().get(model::Tag::parse("v1").value());
    if (!found || found->str() != *acknowledged.tag_target) missing.push_back("tag");
  }
  if (acknowledged.upload && acknowledged.upload_size > 0) {
    const auto progress = repository->blobs().upload_progress(model::UploadId::parse(*acknowledged.upload).value(), {});
    // More may have arrived than was acknowledged; and a commit that failed half-way may have ended the upload.
    if (progress && progress->size != 0 && progress->size < acknowledged.upload_size)
      missing.push_back("bytes of the upload");
  }
  return missing;
}

} // namespace berth::test
