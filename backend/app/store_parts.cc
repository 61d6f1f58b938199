#include "app/store_parts.h"

#include <cstdlib>

#include "driver/s3/s3_driver.h"
#include "storage/uploads/file_uploads.h"
#include "storage/uploads/object_uploads.h"

namespace berth::app {
namespace {

constexpr std::size_t probe_bytes = 64;

driver::s3::Options options_of(const config::S3& config) {
  driver::s3::Options options;
  options.bucket = config.bucket;
  options.region = config.region.empty() ? "us-east-1" : config.region;
  options.endpoint = config.endpoint;
  options.secure = config.secure;
  options.verifies_tls = !config.skip_verify;
  options.path_style = config.force_path_style.value_or(!config.endpoint.empty());
  options.dual_stack = config.dual_stack;
  options.accelerate = config.accelerate;
  options.fips = config.fips;
  options.storage_class = config.storage_class;
  options.acl = config.acl;
  options.encrypt = config.encrypt;
  options.key_id = config.key_id;
  options.user_agent = config.user_agent;
  options.redirect_endpoint = config.redirect_endpoint;
  return options;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// In the place of credentials that were not found: whoever needs them is told why.
class NoCredentials final : public driver::s3::CredentialSource {
public:
  explicit NoCredentials(Error error) : error_(std::move(error)) {}
  Result<driver::s3::Credentials> now(Time) override { return std::unexpected(error_); }

private:
  const Error error_;
};

std::unique_ptr<driver::s3::CredentialSource> credentials_of(const config::S3& config) {
  auto found = driver::s3::find_credentials({config.access_key, config.secret_key, ""}, variable);
  if (found) return *std::move(found);
  return std::make_unique<NoCredentials>(std::move(found).error());
}

} // namespace

class StoreParts::InFiles {
public:
  InFiles(const config::Config& config, driver::FsOps& ops, const Clock& clock, Random& random,
          const driver::TellTime& tell)
      : files(config.storage.root, ops, random),
        counted(tell ? std::optional<driver::Measured>(std::in_place, files, tell) : std::nullopt),
        uploads(local(), clock, random) {}

  driver::LocalDriver& local() { return counted ? static_cast<driver::LocalDriver&>(*counted) : files; }

  driver::Filesystem files;
  std::optional<driver::Measured> counted;
  storage::FileUploads uploads;
};

class StoreParts::InBucket {
public:
  InBucket(const config::S3& config, const Clock& clock, Random& random, const driver::TellTime& tell, Logger* logger)
      : credentials(credentials_of(config)),
        requests(options_of(config), *credentials, clock, random, logger != nullptr ? *logger : nobody),
        bucket(requests),
        objects(bucket, config.root_directory),
        counted(tell ? std::optional<driver::MeasuredStore>(std::in_place, objects, tell) : std::nullopt),
        uploads(driver(), clock, random) {}

  driver::StorageDriver& driver() { return counted ? static_cast<driver::StorageDriver&>(*counted) : objects; }

  NullLogger nobody;
  std::unique_ptr<driver::s3::CredentialSource> credentials;
  driver::s3::Requests requests;
  driver::s3::Bucket bucket;
  driver::s3::S3Driver objects;
  std::optional<driver::MeasuredStore> counted;
  storage::ObjectUploads uploads;
};

StoreParts::StoreParts(const config::Config& config, const Clock& clock, Random& random, const driver::TellTime& tell,
                       Logger* logger)
    : random_(random),
      locks_(config.berth.state_directory, ops_),
      counted_locks_(tell ? std::optional<driver::MeasuredLocks>(std::in_place, locks_, tell) : std::nullopt),
      is_read_only_(config.storage.read_only) {
  if (config.storage.is_in_bucket()) {
    bucket_ = std::make_unique<InBucket>(config.storage.s3, clock, random, tell, logger);
    uncounted_ = &bucket_->objects;
    driver_ = &bucket_->driver();
    uploads_ = &bucket_->uploads;
  } else {
    files_ = std::make_unique<InFiles>(config, ops_, clock, random, tell);
    uncounted_ = &files_->files;
    driver_ = &files_->local();
    uploads_ = &files_->uploads;
  }
}

StoreParts::~StoreParts() = default;

// A list first: unlike a HEAD, its refusal says why.
Result<> StoreParts::probe() {
  if (bucket_ == nullptr) return {};
  const auto probed = [&]() -> Result<> {
    const auto listed = uncounted_->list("/docker", {}, 1);
    if (!listed && !is(listed.error(), Code::not_found)) return std::unexpected(listed.error());
    if (is_read_only_) return {};
    const std::string probe_path = "/berth/probe-" + uuid4(random_); // nobody else's
    for (const std::string_view text : {"one", "another"}) {         // what is replaced has to show at once
      BERTH_CHECK(uncounted_->put_scratch(probe_path, text));
      BERTH_TRY(const std::string read, uncounted_->get_content(probe_path, probe_bytes));
      if (read != text) return fail(Code::io, "the object store gives back what was there before: tags would be wrong");
    }
    return uncounted_->remove(probe_path, driver::Durability::scratch);
  }();
  if (probed || is(probed.error(), Code::unavailable)) return probed;
  return fail(Code::invalid, probed.error().message);
}

} // namespace berth::app
