// Pulls that nginx makes by itself: from its lines to the pool's metrics.
#include "app/supervisor/pull_log.h"

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "api/debug/metrics.h"
#include "api/v2/face.h"

using namespace berth;

namespace {

std::string page_of(api::debug::Answers& answers) {
  api::debug::Metrics metrics;
  metrics.add_endpoints(api::v2::face(api::v2::TokenRows::absent));
  metrics.take_from("blob", answers);
  return metrics.page();
}

} // namespace

TEST_CASE("lines of pulls are counted as the pool counts its own answers") {
  api::debug::Answers answers;
  std::string text = "GET 200 1024 0.001\nGET 200 1048576 0.250\nHEAD 200 0 0.000\nGET 499 0 1.500\nGET 20";
  app::count_pulls(text, answers);
  CHECK(text == "GET 20");
  app::count_pulls(text.append("0 1 0.000\n"), answers);
  CHECK(text.empty());
  const std::string page = page_of(answers);
  for (const char* line : {
           R"(registry_http_requests_total{code="200",handler="blob",method="get"} 3)",
           R"(registry_http_requests_total{code="200",handler="blob",method="head"} 1)",
           R"(registry_http_requests_total{code="0",handler="blob",method="get"} 1)",
           R"(registry_http_response_size_bytes_sum{handler="blob"} 1049601)",
           R"(registry_http_response_size_bytes_count{handler="blob"} 5)",
           R"(registry_http_request_size_bytes_count{handler="blob"} 5)",
           R"(registry_http_request_duration_seconds_count{handler="blob",method="get"} 4)",
           R"(registry_http_request_duration_seconds_sum{handler="blob",method="get"} 1.751)",
           R"(registry_http_in_flight_requests{handler="blob"} 0)",
       })
    CHECK_THAT(page, Catch::Contains(std::string(line) + "\n"));
}

TEST_CASE("what is no line of a pull is not counted") {
  api::debug::Answers answers;
  std::string text =
      "\nGET\nGET 200\nGET 200 1\nGET 200 1 \nGET x 1 0.1\nGET 200 -1 0.1\n 200 1 0.1\nGET 200 1 0.1 x\n";
  app::count_pulls(text, answers);
  CHECK(text.empty());
  CHECK_THAT(page_of(answers), !Catch::Contains(R"(handler="blob",method=)"));
  text.assign(2000, 'x');
  app::count_pulls(text, answers);
  CHECK(text.empty());
}

TEST_CASE("counts cross processes, and two pools take each of them once") {
  const app::SharedAnswers shared = app::share_answers().value();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string text = "GET 200 5 0.001\nGET 200 6 0.001\n";
    app::count_pulls(text, *shared);
    ::_exit(0);
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK_THAT(page_of(*shared), Catch::Contains(R"({code="200",handler="blob",method="get"} 2)"));
  CHECK_THAT(page_of(*shared), !Catch::Contains(R"(handler="blob",method="get")"));
}
