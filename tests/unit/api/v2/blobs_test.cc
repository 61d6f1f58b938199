// GET, HEAD and DELETE of blobs.
#include <catch2/catch.hpp>

#include "unit/api/table.h"

using namespace berth;
using namespace berth::test;

namespace {

const std::string unknown = digest_of("never pushed");
const Names names{
    {"blob", digest_of("0123456789")}, {"unknown", unknown}, {"etag", '"' + digest_of("0123456789") + '"'}};
const Fields identity{{"Docker-Content-Digest", "{blob}"}, {"Etag", "{etag}"}, {"Cache-Control", "max-age=31536000"}};

// A registry whose every repository has one blob, as a file.
struct OneFile final : registry::Registry, registry::BlobStore {
  model::RepositoryName name = model::RepositoryName::parse("a").value();
  model::Descriptor blob{"application/octet-stream", 10, model::CanonicalDigest::of_bytes("0123456789")};

  struct View final : registry::Repository {
    explicit View(OneFile& all) : all_(all) {}
    const model::RepositoryName& name() const override { return all_.name; }
    registry::BlobStore& blobs() override { return all_; }
    registry::ManifestStore& manifests() override { throw std::logic_error("not asked"); }
    registry::SignatureStore& signatures() override { throw std::logic_error("not asked"); }
    registry::TagStore& tags() override { throw std::logic_error("not asked"); }
    registry::ReferrerStore& referrers() override { throw std::logic_error("not asked"); }
    Result<> remove() override { throw std::logic_error("not asked"); }
    OneFile& all_;
  };
  std::unique_ptr<registry::Repository> repository(const model::RepositoryName&) override {
    return std::make_unique<View>(*this);
  }
  Result<registry::Page> repositories(const registry::PageRequest&) override { return fail(Code::unknown); }

  Result<registry::Readable> look(const model::Digest&, registry::Need) override { return registry::Readable{blob}; }
  Result<Location> locate(const registry::Readable&) override { return StoredFile{"/some/file"}; }
  Result<std::string> get(const model::Digest&, std::size_t) override { return fail(Code::unknown); }
  Result<model::Descriptor> put(std::string_view, std::string_view) override { return fail(Code::unknown); }
  Result<registry::Descriptor> adopt(const model::Digest&) override { return fail(Code::io); }
  Result<registry::Created> create(const std::optional<registry::MountRequest>&) override {
    return fail(Code::unknown);
  }
  Result<std::unique_ptr<registry::BlobWriter>> resume(const model::UploadId&, const std::string&) override {
    return fail(Code::unknown);
  }
  Result<registry::UploadProgress> upload_progress(const model::UploadId&, const std::string&) override {
    return fail(Code::unknown);
  }
  Result<> remove(const model::Digest&) override { return {}; }
};

} // namespace

TEST_CASE("blobs are served, by their own repository alone") {
  Face face;
  face.push_blob("a", "0123456789");
  run(face,
      {
          {"GET /v2/a/blobs/{blob}", 200, "", identity, {}, "0123456789"},
          {"GET /v2/a/blobs/{blob}",
           200,
           "",
           {{"Content-Type", "application/octet-stream"}},
           {{"Accept", "text/html"}}},
          {"HEAD /v2/a/blobs/{blob}", 200, "", identity, {}, ""},
          {"HEAD /v2/a/blobs/{blob}",
           200,
           "",
           {{"Accept-Ranges", "bytes"}, {"Content-Type", "application/octet-stream"}}},
          {"GET /v2/a/blobs/{unknown}", 404, "BLOB_UNKNOWN", {{"Etag", "-"}}},
          {"GET /v2/b/blobs/{blob}", 404, "BLOB_UNKNOWN"},
          {"GET /v2/a/blobs/sha256:00", 400, "DIGEST_INVALID"},
          {"GET /v2/a/blobs/latest", 400, "DIGEST_INVALID"},
          {"DELETE /v2/a/blobs/latest", 400, "DIGEST_INVALID"},
      },
      names);
  CHECK(face.send("HEAD /v2/a/blobs/" + names.at("blob")).response.length_of_get == 10);
  CHECK(face.send("GET /v2/a/blobs/" + unknown).mentions("\"detail\":\"" + unknown + "\""));
}

TEST_CASE("a blob that the client has is not sent again") {
  Face face;
  face.push_blob("a", "0123456789");
  for (const std::string value : {"{etag}", "{blob}", "W/{etag}", "\"x\", {etag}", "*"})
    run(face,
        {
            {"GET /v2/a/blobs/{blob}", 304, "", identity, {{"If-None-Match", value}}, ""},
            {"HEAD /v2/a/blobs/{blob}", 304, "", identity, {{"If-None-Match", value}}, ""},
            {"GET /v2/a/blobs/{blob}", 304, "", {}, {{"If-None-Match", value}, {"Range", "bytes=99-"}}, ""},
        },
        names);
  run(face,
      {
          {"GET /v2/a/blobs/{blob}", 200, "", {}, {{"If-None-Match", "\"{unknown}\""}}, "0123456789"},
          {"GET /v2/a/blobs/{blob}", 200, "", {}, {{"If-None-Match", ""}}, "0123456789"},
          {"GET /v2/a/blobs/{unknown}", 404, "BLOB_UNKNOWN", {}, {{"If-None-Match", "*"}}},
      },
      names);
}

TEST_CASE("a range that names nothing is answered here, others are nginx's") {
  Face face;
  face.push_blob("a", "0123456789");
  run(face,
      {
          {"GET /v2/a/blobs/{blob}", 416, "RANGE_INVALID", {{"Content-Range", "bytes */10"}}, {{"Range", "bytes=10-"}}},
          {"GET /v2/a/blobs/{blob}", 416, "RANGE_INVALID", {}, {{"Range", "bytes=10-"}, {"If-Range", "{etag}"}}},
          {"GET /v2/a/blobs/{blob}", 200, "", {}, {{"Range", "bytes=10-"}, {"If-Range", "\"x\""}}, "0123456789"},
          {"GET /v2/a/blobs/{blob}", 200, "", {}, {{"Range", "bytes=9-"}}, "0123456789"},
          {"GET /v2/a/blobs/{blob}", 200, "", {}, {{"Range", "items=10-"}}, "0123456789"},
          {"HEAD /v2/a/blobs/{blob}", 200, "", {}, {{"Range", "bytes=10-"}}, ""},
      },
      names);
}

TEST_CASE("a blob in a file is left to nginx") {
  OneFile registry;
  FixedClock clock;
  Lines log;
  api::Api api(registry, default_options(), clock, log);
  const Reply reply = send(api, "GET /v2/a/blobs/" + names.at("blob"), {{"Range", "bytes=1-2"}});
  CHECK(reply.status() == 200);
  CHECK(reply.body() == "file:/some/file");
  CHECK(reply.header("Etag") == names.at("etag"));
  CHECK_FALSE(reply.response.headers.has("Accept-Ranges")); // nginx adds its own
  CHECK_FALSE(reply.response.length_of_get);
  CHECK(send(api, "HEAD /v2/a/blobs/" + names.at("blob")).response.length_of_get == 10);
}

TEST_CASE("a blob is deleted if that is switched on") {
  Face face;
  face.push_blob("a", "0123456789");
  face.push_blob("b", "0123456789");
  run(face,
      {
          {"DELETE /v2/a/blobs/{blob}", 202, "", {}, {}, ""},
          {"DELETE /v2/a/blobs/{blob}", 404, "BLOB_UNKNOWN"},
          {"GET /v2/a/blobs/{blob}", 404, "BLOB_UNKNOWN"},
          {"GET /v2/b/blobs/{blob}", 200, ""},
      },
      names);

  api::Options options = default_options();
  options.delete_enabled = false;
  Face closed(options);
  closed.push_blob("a", "0123456789");
  run(closed,
      {
          {"DELETE /v2/a/blobs/{blob}", 405, "UNSUPPORTED", {{"Allow", "GET, HEAD"}}},
          {"GET /v2/a/blobs/{blob}", 200, ""},
      },
      names);
}
