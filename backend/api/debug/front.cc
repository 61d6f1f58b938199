#include "api/debug/front.h"

#include <malloc.h>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "http/url.h"

namespace berth::api::debug {
namespace {

http::Response text_response(int status, std::string type, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", std::move(type));
  response.body = std::move(body);
  return response;
}

http::Response json_page(int status, const nlohmann::ordered_json& page) {
  return text_response(status, std::string(json_type),
                       page.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

} // namespace

http::Response Front::handle(http::Request& request) {
  if (request.is_for_debug) return answer_debug(request);
  if (options_.metrics_path.empty()) return answer(request);
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t request_bytes = request.body.size(); // it is taken by whoever answers
  Metrics::InFlight in_flight(metrics_);
  request.trace.observer = &in_flight;
  http::Response response = answer(request);
  request.trace.observer = nullptr;
  metrics_.end(request, request_bytes, response, std::chrono::steady_clock::now() - begun);
  return response;
}

http::Response Front::answer(http::Request& request) {
  if (health_.is_well()) return registry_.handle(request);
  return registry_.refuse(request, {Code::unavailable, {}, "health check failed: please see /debug/health"});
}

http::Response Front::refuse(const http::Request& request, const Error& why) { return registry_.refuse(request, why); }

http::Response Front::answer_debug(const http::Request& request) {
  const std::string path(http::split_target(request.target).path);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool posts = request.method == "POST";
  if (path == "/debug/health" && reads) return answer_health();
  if (path == "/debug/vars" && reads) return answer_vars();
  if (!options_.metrics_path.empty() && path == options_.metrics_path && reads)
    return text_response(200, "text/plain; version=0.0.4; charset=utf-8", metrics_.page());
  if (path == "/debug/health/down" && posts) {
    health_.set_failing(Health::manual, "manual check");
    return {};
  }
  if (path == "/debug/health/up" && posts) {
    health_.set_well(Health::manual);
    return {};
  }
  return text_response(404, "text/plain; charset=utf-8", "404 page not found\n");
}

http::Response Front::answer_health() {
  nlohmann::ordered_json page = nlohmann::ordered_json::object();
  for (const auto& [check, why] : health_.failing()) page[check] = why;
  return json_page(page.empty() ? 200 : 503, page);
}

http::Response Front::answer_vars() const {
  const struct mallinfo2 memory = ::mallinfo2();
  nlohmann::ordered_json page{{"cmdline", {"berth"}},
                              {"memstats", {{"HeapAlloc", memory.uordblks}, {"HeapSys", memory.arena + memory.hblkhd}}},
                              {"registry", nlohmann::ordered_json::object()}};
  page["registry"]["notifications"]["endpoints"] = nullptr;
  for (const auto& [name, make] : options_.vars) {
    nlohmann::ordered_json* at = &page["registry"];
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
      end = name.find('.', begin);
      at = &(*at)[name.substr(begin, end == std::string::npos ? end : end - begin)];
    }
    *at = nlohmann::ordered_json::parse(make(), nullptr, false);
  }
  return json_page(200, page);
}

} // namespace berth::api::debug
