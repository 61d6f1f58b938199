#include <catch2/catch.hpp>

#include "api/errors.h"

using namespace berth;
using namespace berth::api;

namespace {

std::string body_of(const Error& error) { return std::get<std::string>(error_response(error).body); }

} // namespace

TEST_CASE("each code has its wire form") {
  struct Row {
    Code code;
    std::string_view wire;
    int status;
  };
  for (const Row& row : {
           Row{Code::unknown, "UNKNOWN", 500},
           Row{Code::unsupported, "UNSUPPORTED", 405},
           Row{Code::unsupported_media_type, "UNSUPPORTED", 415},
           Row{Code::unauthorized, "UNAUTHORIZED", 401},
           Row{Code::denied, "DENIED", 403},
           Row{Code::unavailable, "UNAVAILABLE", 503},
           Row{Code::too_many_requests, "TOOMANYREQUESTS", 429},
           Row{Code::digest_invalid, "DIGEST_INVALID", 400},
           Row{Code::size_invalid, "SIZE_INVALID", 400},
           Row{Code::range_invalid, "RANGE_INVALID", 416},
           Row{Code::name_invalid, "NAME_INVALID", 400},
           Row{Code::name_unknown, "NAME_UNKNOWN", 404},
           Row{Code::tag_invalid, "TAG_INVALID", 400},
           Row{Code::manifest_unknown, "MANIFEST_UNKNOWN", 404},
           Row{Code::manifest_invalid, "MANIFEST_INVALID", 400},
           Row{Code::manifest_too_large, "MANIFEST_INVALID", 413},
           Row{Code::manifest_unverified, "MANIFEST_UNVERIFIED", 400},
           Row{Code::manifest_blob_unknown, "MANIFEST_BLOB_UNKNOWN", 400},
           Row{Code::blob_unknown, "BLOB_UNKNOWN", 404},
           Row{Code::blob_upload_unknown, "BLOB_UPLOAD_UNKNOWN", 404},
           Row{Code::blob_upload_invalid, "BLOB_UPLOAD_INVALID", 404},
           Row{Code::pagination_number_invalid, "PAGINATION_NUMBER_INVALID", 400},
           Row{Code::route_unknown, "UNSUPPORTED", 404},
           Row{Code::bad_request, "UNSUPPORTED", 400},
           Row{Code::precondition_failed, "UNSUPPORTED", 412},
           Row{Code::range_unsatisfiable, "RANGE_INVALID", 416},
           Row{Code::storage_full, "UNKNOWN", 507},
           Row{Code::not_found, "UNKNOWN", 500},
           Row{Code::exists, "UNKNOWN", 500},
           Row{Code::busy, "UNAVAILABLE", 503},
           Row{Code::corrupt, "UNKNOWN", 500},
           Row{Code::invalid, "UNKNOWN", 500},
           Row{Code::io, "UNKNOWN", 500},
           Row{Code::not_permitted, "UNKNOWN", 500},
       }) {
    CAPTURE(row.wire, row.status);
    CHECK(wire_error(row.code).code == row.wire);
    CHECK(wire_error(row.code).status == row.status);
    CHECK(error_response(Error{row.code, {}, {}}).status == row.status);
    const bool passes = row.status == 429 || row.status == 503;
    CHECK(error_response(Error{row.code, {}, {}}).headers.has("Retry-After") == passes);
    CHECK(v1_error_response(Error{row.code, {}, {}}).headers.has("Retry-After") == passes);
  }
}

TEST_CASE("what the layers tell each other is not for clients") {
  for (const Code code : {Code::not_found, Code::not_permitted, Code::exists, Code::busy, Code::corrupt, Code::invalid,
                          Code::io, Code::storage_full, Code::unknown}) {
    const Error error{code, "open /srv/store: no", "/srv/store"};
    CHECK(is_internal(code));
    CHECK_FALSE(body_of(error).contains("/srv"));
    CHECK_FALSE(std::get<std::string>(v1_error_response(error).body).contains("/srv"));
  }
}

TEST_CASE("an error is an envelope with one entry, and a line end") {
  const auto response = error_response(Error{Code::blob_unknown, {}, {}});
  CHECK(response.headers.get("Content-Type") == "application/json; charset=utf-8");
  CHECK(std::get<std::string>(response.body) ==
        "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\",\"message\":\"blob unknown to registry\"}]}\n");
  CHECK(body_of({Code::blob_unknown, "gone", "sha256:00"}) ==
        "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\",\"message\":\"gone\",\"detail\":\"sha256:00\"}]}\n");
}

TEST_CASE("an unknown repository is named as docker/distribution names it") {
  CHECK(body_of({Code::name_unknown, {}, "a/b"}) ==
        "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"repository name not known to registry\","
        "\"detail\":{\"name\":\"a/b\"}}]}\n");
}

TEST_CASE("further errors become further entries, under the status of the first") {
  const Error error{Code::manifest_blob_unknown, {}, "a", {{Code::name_unknown, "m", {}, {}}}};
  CHECK(error_response(error).status == 400);
  CHECK(body_of(error) == "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"blob unknown to registry\","
                          "\"detail\":\"a\"},{\"code\":\"NAME_UNKNOWN\",\"message\":\"m\"}]}\n");
}

TEST_CASE("internal errors tell nothing of the inside") {
  for (const Code code : {Code::unknown, Code::io, Code::corrupt, Code::not_found, Code::exists, Code::invalid}) {
    CHECK(is_internal(code));
    CHECK(body_of({code, "open /secret/path", "/secret/detail"}) ==
          "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"unknown error\"}]}\n");
  }
  CHECK(is_internal(Code::storage_full));
  CHECK(body_of({Code::storage_full, "write /secret/path", {}}) ==
        "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"the registry's storage is full\"}]}\n");
  CHECK_FALSE(is_internal(Code::blob_unknown));
}

TEST_CASE("what is not UTF-8 does not break the envelope") {
  CHECK(body_of({Code::name_invalid, {}, "a\xff\"\n"}).find("a\xef\xbf\xbd\\\"\\n") != std::string::npos);
}
