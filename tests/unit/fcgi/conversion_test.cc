#include <catch2/catch.hpp>

#include <algorithm>

#include "fcgi/conversion.h"
#include "http/limits.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::fcgi;

namespace {

using Parameters = std::vector<std::string>;

Result<> read(const Parameters& parameters, Incoming& into) {
  std::vector<const char*> pointers;
  for (const std::string& parameter : parameters) pointers.push_back(parameter.c_str());
  pointers.push_back(nullptr);
  return read_parameters(pointers.data(), into);
}

Parameters request_with(Parameters more) {
  Parameters all{"FCGI_ROLE=RESPONDER", "REQUEST_METHOD=PUT", "REQUEST_URI=/v2/a%2Fb?x=1=2", "REQUEST_SCHEME=https",
                 "REMOTE_ADDR=192.0.2.1"};
  std::ranges::move(more, std::back_inserter(all));
  return all;
}

http::Response response_of(int status, std::string body, http::Headers headers = {}) {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = std::move(body);
  return response;
}

http::Request request_by(std::string method) {
  http::Request request;
  request.method = std::move(method);
  return request;
}

} // namespace

TEST_CASE("a client's certificate is nginx's to tell, and comes decoded") {
  Incoming incoming;
  REQUIRE(read(request_with({"BERTH_CLIENT_CERT=-----BEGIN%20CERTIFICATE-----%0AMII%2B%2F+%3D%0A"}), incoming));
  CHECK(incoming.request.client_certificate == "-----BEGIN CERTIFICATE-----\nMII+/+=\n");
  Incoming none;
  REQUIRE(read(request_with({"BERTH_CLIENT_CERT=", "HTTP_BERTH_CLIENT_CERT=x", "HTTP_CLIENT_CERT=x"}), none));
  CHECK(none.request.client_certificate.empty());
  for (const char* broken : {"BERTH_CLIENT_CERT=a%0", "BERTH_CLIENT_CERT=%zz", "BERTH_CLIENT_CERT=%00"}) {
    Incoming refused;
    CHECK_FALSE(read(request_with({broken}), refused));
    CHECK(refused.request.client_certificate.empty());
  }
}

TEST_CASE("parameters become a request") {
  Incoming incoming;
  REQUIRE(read(request_with({"CONTENT_TYPE=text/plain", "CONTENT_LENGTH=12", "HTTP_CONTENT_TYPE=text/plain",
                             "HTTP_CONTENT_LENGTH=12", "HTTP_X_FORWARDED_PROTO=https", "HTTP_HOST=a:5000",
                             "HTTP_ACCEPT=a", "HTTP_ACCEPT=b", "HTTP_IF_NONE_MATCH=", "BERTH_BODY_FILE=/spool/1",
                             "no equals sign", "QUERY_STRING=ignored"}),
               incoming));
  const http::Request& request = incoming.request;
  CHECK(request.method == "PUT");
  CHECK(request.target == "/v2/a%2Fb?x=1=2");
  CHECK(request.scheme == "https");
  CHECK(request.remote_addr == "192.0.2.1");
  CHECK(request.content_length == 12);
  CHECK(incoming.spool_file == "/spool/1");
  const std::vector<std::pair<std::string, std::string>> expected{{"Content-Type", "text/plain"},
                                                                  {"X-Forwarded-Proto", "https"},
                                                                  {"Host", "a:5000"},
                                                                  {"If-None-Match", ""},
                                                                  {"Accept", "a, b"}};
  auto fields = request.headers.fields();
  CHECK(std::ranges::is_permutation(fields, expected));
}

TEST_CASE("a client cannot name the body file") {
  Incoming incoming;
  REQUIRE(read(request_with({"HTTP_BERTH_BODY_FILE=/etc/passwd", "BERTH_BODY_FILE="}), incoming));
  CHECK(incoming.spool_file.empty());
}

TEST_CASE("an empty length is no length") {
  Incoming incoming;
  REQUIRE(read(request_with({"CONTENT_LENGTH=", "CONTENT_TYPE="}), incoming));
  CHECK_FALSE(incoming.request.content_length);
  CHECK_FALSE(incoming.request.headers.has("Content-Type"));
}

TEST_CASE("parameters that make no request are refused, with what was read") {
  Parameters many;
  for (std::size_t i = 0; i <= http::max_header_fields; ++i) many.push_back("HTTP_X" + std::to_string(i) + "=1");
  for (const Parameters& more : {Parameters{"CONTENT_LENGTH=x"}, Parameters{"CONTENT_LENGTH=-1"},
                                 Parameters{"CONTENT_LENGTH=1 "}, Parameters{"CONTENT_LENGTH=99999999999999999999"},
                                 Parameters{"HTTP_X=" + std::string(http::max_header_bytes, 'x')}, many}) {
    Incoming incoming;
    const auto result = read(request_with(more), incoming);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Code::bad_request);
    CHECK(incoming.request.method == "PUT");
  }
  Incoming incoming;
  CHECK_FALSE(read({}, incoming));
  CHECK_FALSE(read({"REQUEST_METHOD=GET"}, incoming));
  CHECK_FALSE(read({"REQUEST_METHOD=", "REQUEST_URI=/"}, incoming));
}

TEST_CASE("a body must be as long as it was said to be") {
  http::Request request;
  request.body = Content::of("12345");
  CHECK(check_length(request)); // chunked
  request.content_length = 5;
  CHECK(check_length(request));
  for (const std::uint64_t length : {0, 4, 6}) {
    request.content_length = length;
    CHECK(check_length(request).error().code == Code::bad_request);
  }
  request.body_too_large = true;
  CHECK(check_length(request));
}

TEST_CASE("a response has a status line, its headers and its length") {
  http::Headers headers;
  headers.add("Docker-Content-Digest", "sha256:0");
  const auto response = response_of(201, "body", headers);
  CHECK(write_head(request_by("PUT"), response) ==
        "Status: 201 Created\r\nDocker-Content-Digest: sha256:0\r\nContent-Length: 4\r\n\r\n");
  CHECK(body_of(request_by("PUT"), response) == "body");
  CHECK(write_head(request_by("PUT"), response_of(202, "")) == "Status: 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  CHECK(write_head(request_by("GET"), response_of(299, "")) == "Status: 299 Status\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("204 and 304 have neither length nor body") {
  for (const auto& [status, line] : {std::pair(204, "No Content"), std::pair(304, "Not Modified")}) {
    const auto response = response_of(status, "body");
    CHECK(write_head(request_by("GET"), response) == "Status: " + std::to_string(status) + " " + line + "\r\n\r\n");
    CHECK(body_of(request_by("GET"), response).empty());
  }
}

TEST_CASE("HEAD tells the length of GET, and sends nothing") {
  http::Response response;
  response.length_of_get = 12345678901;
  CHECK(write_head(request_by("HEAD"), response) == "Status: 200 OK\r\nContent-Length: 12345678901\r\n\r\n");
  CHECK(body_of(request_by("HEAD"), response_of(200, "body")).empty());
}

TEST_CASE("a file of the store is left to nginx") {
  http::Response response;
  response.headers.add("Etag", "\"x\"");
  response.body = http::StoreFile{"/docker/registry/v2/blobs/sha256/ab/ab%?#/data"};
  CHECK(write_head(request_by("GET"), response) ==
        "Status: 200 OK\r\nEtag: \"x\"\r\n"
        "X-Accel-Redirect: /_berth/store/docker/registry/v2/blobs/sha256/ab/ab%25%3F%23/data\r\n\r\n");
  CHECK(body_of(request_by("GET"), response).empty());
}

TEST_CASE("no value begins a line of its own") {
  http::Headers headers;
  headers.add("Location\r\nX", std::string("/a\r\nSet-Cookie: b\n\0c", 20));
  CHECK(write_head(request_by("GET"), response_of(301, "", headers)) ==
        "Status: 301 Moved Permanently\r\nLocationX: /aSet-Cookie: bc\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("before the body the whole answer is in the head") {
  Incoming incoming;
  REQUIRE(read(request_with({"BERTH_BEFORE_BODY=1", "CONTENT_LENGTH=5000000"}), incoming));
  http::Request& request = incoming.request;
  CHECK(request.before_body);
  CHECK(request.content_length == 5'000'000);

  CHECK(write_head(request, http::takes(http::TakesBody::spooled)) == "Status: 204\r\nX-Berth-Takes: spooled\r\n\r\n");
  CHECK(write_head(request, http::takes(http::TakesBody::small)) == "Status: 204\r\nX-Berth-Takes: small\r\n\r\n");

  http::Headers headers;
  headers.add("Allow", "GET");
  headers.add("X-Other", "is for nobody");
  CHECK(write_head(request, response_of(405, "{}\n", headers)) ==
        "Status: 403\r\nX-Berth-Status: 405\r\nAllow: GET\r\nX-Berth-Text: {}\r\nX-Berth-Text-Ends: line\r\n"
        "Content-Length: 0\r\n\r\n");
  CHECK(nginx_reads_to_the_end(incoming, http::Response{}));

  // What only reads is asked again with its body, where a head cannot tell all of the answer.
  request.method = "GET";
  const std::string again = "Status: 204\r\nX-Berth-Takes: small\r\n\r\n";
  CHECK(write_head(request, response_of(200, "{}", headers)) == again);
  CHECK(write_head(request, response_of(200, "two\nlines\n")) == again);
  CHECK(write_head(request, response_of(200, std::string(9000, 'x'))) == again);
  http::Response file;
  file.body = http::StoreFile{"/x", 1};
  CHECK(write_head(request, file) == again);
  CHECK(write_head(request, response_of(200, "{}")).starts_with("Status: 403\r\nX-Berth-Status: 200\r\n"));
  // When rights were looked at comes back with the body.
  request.judged_at = Time(std::chrono::seconds(1'700'000'000));
  CHECK(write_head(request, file) == "Status: 204\r\nX-Berth-Takes: small\r\nX-Berth-Judged-At: 1700000000\r\n\r\n");
  request.judged_at = {};
  const std::array<const char*, 4> parameters{"REQUEST_METHOD=PATCH", "REQUEST_URI=/v2/", "BERTH_JUDGED_AT=1700000000",
                                              nullptr};
  Incoming judged;
  REQUIRE(read_parameters(parameters.data(), judged));
  CHECK(judged.request.judged_at == Time(std::chrono::seconds(1'700'000'000)));
  const std::array<const char*, 4> forged{"REQUEST_METHOD=PATCH", "REQUEST_URI=/v2/", "HTTP_BERTH_JUDGED_AT=1700000000",
                                          nullptr};
  Incoming not_judged;
  REQUIRE(read_parameters(forged.data(), not_judged));
  CHECK_FALSE(not_judged.request.judged_at);
  request.method = "HEAD";
  CHECK(write_head(request, response_of(200, "")) == again);
}
