// The life of an upload.
#include <catch2/catch.hpp>

#include "http/url.h"
#include "unit/api/table.h"

using namespace berth;
using namespace berth::test;

namespace {

const std::string blob = digest_of("0123456789");
const std::string octets = "application/octet-stream";
const std::string absent_id = "00000000-0000-4000-8000-000000000000";

std::string without_state(const std::string& target) { return target.substr(0, target.find('?')); }
std::string id_of(const std::string& target) { return without_state(target).substr(target.find("uploads/") + 8); }

// The state in a step's target.
api::UploadState state_of(const std::string& target) {
  const auto query = http::Query::parse(target.substr(target.find('?') + 1));
  return api::UploadStateSigner(std::string(secret)).verify(query.get("_state")).value();
}

// An upload in repository "a" that holds "01234".
std::string half_an_upload(Face& face) {
  const Reply reply = face.send("PATCH " + face.start_upload("a"), {}, "01234");
  REQUIRE(reply.status() == 202);
  return Face::next(reply);
}

} // namespace

TEST_CASE("an upload goes from POST over PATCH to PUT") {
  Face face;
  Reply reply = face.send("POST /v2/a/blobs/uploads/");
  CHECK(reply.status() == 202);
  CHECK(reply.header("Range") == "0-0");
  const std::string id = reply.header("Docker-Upload-UUID");
  CHECK(id.size() == 36);
  CHECK(id_of(Face::next(reply)) == id);
  CHECK(state_of(Face::next(reply)).offset == 0);
  CHECK(state_of(Face::next(reply)).name == "a");
  CHECK(to_rfc3339(state_of(Face::next(reply)).started_at) == "2024-01-02T03:04:05Z");

  reply = face.send("PATCH " + Face::next(reply), {{"Content-Type", octets}}, "01234");
  CHECK(reply.status() == 202);
  CHECK(reply.header("Range") == "0-4");
  CHECK(reply.header("Docker-Upload-UUID") == id);
  CHECK(state_of(Face::next(reply)).offset == 5);

  reply = face.send("PATCH " + Face::next(reply), {{"Content-Range", "5-7"}}, "567");
  CHECK(reply.header("Range") == "0-7");

  reply = face.send("PUT " + Face::next(reply) + "&digest=" + blob, {}, "89");
  CHECK(reply.status() == 201);
  CHECK(reply.header("Docker-Content-Digest") == blob);
  CHECK(reply.header("Location") == "https://registry.example/v2/a/blobs/" + blob);
  CHECK(reply.body().empty());
  CHECK(face.send("GET /v2/a/blobs/" + blob).body() == "0123456789");
  CHECK(face.send("GET /v2/a/blobs/uploads/" + id).code() == "BLOB_UPLOAD_UNKNOWN");
}

TEST_CASE("a blob may come with the POST") {
  Face face;
  run(face,
      {
          {"POST /v2/a/blobs/uploads/?digest={blob}",
           201,
           "",
           {{"Docker-Content-Digest", "{blob}"}, {"Location", "https://registry.example/v2/a/blobs/{blob}"}},
           {},
           "",
           "0123456789"},
          {"POST /v2/a/blobs/uploads/?digest={empty}", 201, "", {{"Docker-Content-Digest", "{empty}"}}},
          {"POST /v2/b/blobs/uploads/?digest={blob}", 400, "DIGEST_INVALID", {}, {}, {}, "012345678"},
          {"POST /v2/b/blobs/uploads/?digest={blob}", 400, "DIGEST_INVALID"},
          {"POST /v2/b/blobs/uploads/?digest=latest", 400, "DIGEST_INVALID", {}, {}, {}, "x"},
          {"POST /v2/b/blobs/uploads/?digest=", 400, "DIGEST_INVALID", {}, {}, {}, "x"},
          {"POST /v2/b/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"},
          {"POST /v2/b/blobs/uploads/?digest-algorithm=sha256", 202, ""},
          {"GET /v2/b/blobs/{blob}", 404, "BLOB_UNKNOWN"},
      },
      {{"blob", blob}, {"empty", digest_of("")}});
}

TEST_CASE("a mount makes a blob of another repository visible, or begins an upload") {
  Face face;
  face.push_blob("source", "0123456789");
  const std::string from = "mount=" + blob + "&from=";
  for (const std::string& query :
       {from + "other", from + "target", from + "UPPER", from, from + "..%2f..", from + "a%00",
        std::string("mount=latest&from=source"), std::string("mount=&from=source"), std::string("from=source"),
        "mount=" + digest_of("unknown")}) {
    const Reply reply = face.send("POST /v2/target/blobs/uploads/?" + query);
    CAPTURE(query);
    CHECK(reply.status() == 202);
    CHECK(reply.header("Range") == "0-0");
    CHECK(face.send("HEAD /v2/target/blobs/" + blob).status() == 404);
  }
  for (const std::string& target : {"one?" + from + "source", "two?mount=" + blob}) {
    const std::string name = target.substr(0, 3);
    const Reply reply = face.send("POST /v2/" + name + "/blobs/uploads/" + target.substr(3));
    CHECK(reply.status() == 201);
    CHECK(reply.header("Location") == "https://registry.example/v2/" + name + "/blobs/" + blob);
    CHECK(reply.header("Docker-Content-Digest") == blob);
    CHECK(face.send("HEAD /v2/" + name + "/blobs/" + blob).status() == 200);
  }
}

TEST_CASE("a chunk of another type is refused") {
  Face face;
  const std::string target = face.start_upload("a");
  run(face,
      {
          {"PATCH {target}", 415, "UNSUPPORTED", {}, {{"Content-Type", "text/plain"}}, {}, "x"},
          {"PATCH {target}", 202, "", {{"Range", "0-0"}}, {{"Content-Type", "Application/Octet-Stream; a=b"}}, {}, "x"},
      },
      {{"target", target}});
}

TEST_CASE("a chunk that does not continue the upload is told where to go on") {
  for (const std::string method : {"PATCH", "PUT"})
    for (const std::string range : {"0-4", "4-8", "6-10", "9-5", "x", "5", "5-", "99999999999999999999-5"}) {
      Face face;
      const std::string target = half_an_upload(face);
      const std::string line = method + " " + target + (method == "PUT" ? "&digest=" + blob : "");
      const Reply reply = face.send(line, {{"Content-Range", range}}, "56789");
      CAPTURE(method, range, reply.body());
      CHECK(reply.status() == 416);
      CHECK(reply.code() == "RANGE_INVALID");
      CHECK(reply.header("Range") == "0-4");
      CHECK(reply.header("Docker-Upload-UUID") == id_of(target));
      CHECK(face.send("PUT " + Face::next(reply) + "&digest=" + blob, {}, "56789").status() == 201);
    }
}

TEST_CASE("a chunk must be as long as its range") {
  Face face;
  const std::string target = half_an_upload(face);
  for (const std::string range : {"5-8", "5-10", "bytes 5-20/*"})
    run(face, {{"PATCH {target}", 400, "SIZE_INVALID", {}, {{"Content-Range", range}}, {}, "56789"}},
        {{"target", target}});
  run(face, {{"PATCH {target}", 202, "", {{"Range", "0-9"}}, {{"Content-Range", "bytes 5-9/10"}}, {}, "56789"}},
      {{"target", target}});
}

TEST_CASE("a stale state is told the true one", "[files]") {
  Face face;
  const std::string stale = face.start_upload("a");
  const std::string target = Face::next(face.send("PATCH " + stale, {}, "01234"));
  for (const std::string& line : {"PATCH " + stale, "PUT " + stale + "&digest=" + blob}) {
    const Reply reply = face.send(line, {}, "01234");
    CHECK(reply.code() == "RANGE_INVALID");
    CHECK(reply.header("Range") == "0-4");
    CHECK(state_of(Face::next(reply)).offset == 5);
  }
  CHECK(face.send("PUT " + target + "&digest=" + blob, {}, "56789").status() == 201);
}

TEST_CASE("a state must be signed, and of this upload") {
  Face face;
  const std::string target = half_an_upload(face), stranger = face.start_upload("a");
  const std::string bare = without_state(target), state = target.substr(target.find('?'));
  std::string forged = target;
  forged[target.find("_state=") + 10] = forged[target.find("_state=") + 10] == 'A' ? 'B' : 'A';
  for (const std::string& bad : {bare, bare + "?_state=", bare + "?_state=x", forged, without_state(stranger) + state,
                                 "/v2/b/blobs/uploads/" + id_of(target) + state}) {
    const std::string more = bad.find('?') == std::string::npos ? "?" : "&";
    run(face,
        {
            {"PATCH {target}", 404, "BLOB_UPLOAD_INVALID", {}, {}, {}, "x"},
            {"PUT {target}{more}digest={blob}", 404, "BLOB_UPLOAD_INVALID", {}, {}, {}, "56789"},
            {"DELETE {target}", 404, "BLOB_UPLOAD_INVALID"},
        },
        {{"target", bad}, {"more", more}, {"blob", blob}});
  }
  CHECK(face.send("PUT " + target + "&digest=" + blob, {}, "56789").status() == 201);
}

TEST_CASE("status needs no state") {
  Face face;
  const std::string target = half_an_upload(face);
  run(face,
      {
          {"GET {bare}", 204, "", {{"Range", "0-4"}, {"Docker-Upload-UUID", "{id}"}}, {}, ""},
          {"HEAD {bare}?_state=x", 204, "", {{"Range", "0-4"}}, {}, ""},
          {"GET /v2/b/blobs/uploads/{id}", 404, "BLOB_UPLOAD_UNKNOWN"},
          {"GET /v2/a/blobs/uploads/" + absent_id, 404, "BLOB_UPLOAD_UNKNOWN"},
          {"GET /v2/a/blobs/uploads/.hidden", 404, "BLOB_UPLOAD_UNKNOWN"},
          {"GET /v2/a/blobs/uploads/a%2520b", 404, "BLOB_UPLOAD_UNKNOWN"},
      },
      {{"bare", without_state(target)}, {"id", id_of(target)}});
  const Reply reply = face.send("GET " + without_state(target));
  CHECK(face.send("PUT " + Face::next(reply) + "&digest=" + blob, {}, "56789").status() == 201);
}

TEST_CASE("finishing needs the digest of the content") {
  Face face;
  const std::string target = half_an_upload(face);
  run(face,
      {
          {"PUT {target}", 400, "DIGEST_INVALID"},
          {"PUT {target}&digest=", 400, "DIGEST_INVALID"},
          {"PUT {target}&digest=md5:00", 400, "DIGEST_INVALID"},
          {"GET {target}", 204, "", {{"Range", "0-4"}}},
          {"PUT {target}&digest={blob}", 400, "DIGEST_INVALID", {}, {}, {}, "5678"},
          {"GET {target}", 404, "BLOB_UPLOAD_UNKNOWN"},
          {"GET /v2/a/blobs/{blob}", 404, "BLOB_UNKNOWN"},
      },
      {{"target", target}, {"blob", blob}});
  CHECK(face.send("PUT " + half_an_upload(face)).mentions("digest missing"));
}

TEST_CASE("an upload is cancelled, by a stale state as well") {
  api::Options options = default_options();
  options.delete_enabled = false; // which is about stored things
  Face face(options);
  const std::string stale = face.start_upload("a");
  const std::string target = Face::next(face.send("PATCH " + stale, {}, "01234"));
  run(face,
      {
          {"DELETE {stale}", 204, "", {{"Docker-Upload-UUID", "{id}"}}, {}, ""},
          {"DELETE {target}", 404, "BLOB_UPLOAD_UNKNOWN"},
          {"PATCH {target}", 404, "BLOB_UPLOAD_UNKNOWN"},
          {"PUT {target}&digest={blob}", 404, "BLOB_UPLOAD_UNKNOWN"},
      },
      {{"stale", stale}, {"target", target}, {"id", id_of(target)}, {"blob", blob}});
}

TEST_CASE("of two writers, the second is told that it is", "[files]") {
  Face face;
  const std::string target = half_an_upload(face);
  const auto repository = face.registry.repository(model::RepositoryName::parse("a").value());
  {
    const auto writer = repository->blobs().resume(model::UploadId::parse(id_of(target)).value(), {});
    REQUIRE(writer);
    for (const std::string& line : {"PATCH " + target, "PUT " + target + "&digest=" + blob}) {
      const Reply reply = face.send(line, {}, "56789");
      CHECK(reply.status() == 416);
      CHECK(reply.code() == "RANGE_INVALID");
      CHECK(reply.mentions("another request is writing to this upload"));
      CHECK(reply.header("Range") == "0-4");
      CHECK(reply.header("Location") != "");
    }
    const Reply reply = face.send("DELETE " + target);
    CHECK(reply.status() == 404);
    CHECK(reply.code() == "BLOB_UPLOAD_INVALID");
    CHECK(face.send("GET " + target).status() == 204);
  }
  CHECK(face.send("PUT " + target + "&digest=" + blob, {}, "56789").status() == 201);
}

TEST_CASE("a large body that nginx did not spool is the operator's to hear of") {
  Face face;
  http::Request request;
  request.method = "PATCH";
  request.target = face.start_upload("a");
  request.body_too_large = true;
  CHECK(face.api.handle(request).status == 500);
  REQUIRE(face.log.lines.size() == 1);
  CHECK(face.log.lines[0].find("must be spooled by nginx") != std::string::npos);
  CHECK(face.log.lines[0].find("_state") == std::string::npos);
}
