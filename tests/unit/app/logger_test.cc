#include "app/logger.h"

#include <catch2/catch.hpp>

#include "app/supervisor/log_relay.h"
#include "app/version.h"
#include "base/log_context.h"

namespace berth::app {
namespace {

const Time noon = parse_rfc3339("2024-01-02T12:00:00.5Z").value();

TEST_CASE("a line of each form, with the fields of the config and the id of the request") {
  const std::string v = version();
  config::Log log;
  log.fields = {{"service", "registry"}};
  CHECK(log_line(log, "id7", noon, LogLevel::info, "a \"b\"\nc", {{"path", "/x y"}}) ==
        R"(time="2024-01-02T12:00:00.5Z" level=info msg="a \"b\"?c" path="/x y" instance.id=id7 )"
        "service=registry version=" +
            v);
  const LogContext context("id1");
  log.format = config::LogFormat::json;
  CHECK(log_line(log, "id7", noon, LogLevel::warn, "a\n\xff", {{"path", "/x"}}) ==
        "{\"time\":\"2024-01-02T12:00:00.5Z\",\"level\":\"warning\",\"msg\":\"a\\n\xef\xbf\xbd\",\"request\":\"id1\","
        R"("path":"/x","instance.id":"id7","service":"registry","version":")" +
            v + "\"}");
  log.format = config::LogFormat::logstash;
  CHECK(log_line(log, "id7", noon, LogLevel::error, "m", {}) ==
        R"({"@timestamp":"2024-01-02T12:00:00.5Z","level":"error","message":"m","@version":"1","request":"id1",)"
        R"("instance.id":"id7","service":"registry","version":")" +
            v + "\"}");
  log.fields.emplace_back("version", "mine");
  CHECK_THAT(log_line(log, "id7", noon, LogLevel::error, "m", {}), Catch::EndsWith(R"("version":"mine"})"));
}

TEST_CASE("an instance is a UUID, another one each time") {
  CHECK(make_instance().size() == 36);
  CHECK(make_instance() != make_instance());
}

TEST_CASE("contexts nest, and end") {
  CHECK(LogContext::request_id().empty());
  {
    const LogContext outer("a");
    {
      const LogContext inner("b");
    }
    CHECK(LogContext::request_id() == "a");
  }
  CHECK(LogContext::request_id().empty());
}

TEST_CASE("nginx's error lines keep level and message, and lose upload states") {
  NginxLine line = read_nginx_line("2024/01/02 03:04:05 [warn] 12#12: *3 slow, request: \"PUT "
                                   "/v2/a/blobs/uploads/1?_state=s3cret&digest=d HTTP/1.1\"");
  CHECK(line.level == LogLevel::warn);
  CHECK(line.message == "12#12: *3 slow, request: \"PUT /v2/a/blobs/uploads/1?_state=(hidden)&digest=d HTTP/1.1\"");
  CHECK(read_nginx_line("x \"GET /v2/?access_token=s3cret&password=s3cret HTTP/1.1\"").message ==
        "x \"GET /v2/?access_token=(hidden)&password=(hidden) HTTP/1.1\"");
  line = read_nginx_line("nginx: [emerg] bind() to 0.0.0.0:80 failed");
  CHECK((line.level == LogLevel::error && line.message == "bind() to 0.0.0.0:80 failed"));
  CHECK(read_nginx_line("2024/01/02 03:04:05 [notice] 1#1: start").level == LogLevel::info);
  CHECK(read_nginx_line("anything [warn] that does not begin so").level == LogLevel::error);
  CHECK(read_nginx_line("").message.empty());
  CHECK(read_nginx_line("[warn]").message.empty());
}

} // namespace
} // namespace berth::app
