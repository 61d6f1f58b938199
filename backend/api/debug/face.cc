#include "api/debug/face.h"

#include <malloc.h>

#include <nlohmann/json.hpp>

#include "api/call.h"
#include "api/errors.h"
#include "api/root.h"

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

Outcome get_health(Call& call) {
  nlohmann::ordered_json page = nlohmann::ordered_json::object();
  Health& health = call.services.debug->health;
  for (const auto& [check, why] : health.failing()) page[check] = why;
  const int status = page.empty() ? 200 : 503;
  for (const auto& [check, why] : health.warnings()) page.emplace(check, "warning: " + why);
  return json_page(status, page);
}

Outcome get_vars(Call& call) {
  const struct mallinfo2 memory = ::mallinfo2();
  nlohmann::ordered_json page{{"cmdline", {"berth"}},
                              {"memstats", {{"HeapAlloc", memory.uordblks}, {"HeapSys", memory.arena + memory.hblkhd}}},
                              {"registry", nlohmann::ordered_json::object()}};
  page["registry"]["notifications"]["endpoints"] = nullptr;
  for (const auto& [name, make] : call.services.debug->vars) {
    nlohmann::ordered_json* at = &page["registry"];
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
      end = name.find('.', begin);
      at = &(*at)[name.substr(begin, end == std::string::npos ? end : end - begin)];
    }
    *at = nlohmann::ordered_json::parse(make(), nullptr, false);
  }
  return json_page(200, page);
}

Outcome get_metrics(Call& call) {
  return text_response(200, "text/plain; version=0.0.4; charset=utf-8", call.services.debug->metrics.page());
}

Outcome set_down(Call& call) {
  call.services.debug->health.set_failing(Health::manual, "manual check");
  return http::Response{};
}

Outcome set_up(Call& call) {
  call.services.debug->health.set_well(Health::manual);
  return http::Response{};
}

// docker/distribution has no page for those who ask with GET.
Outcome nothing_here(Call&) { return fail(Code::route_unknown); }

http::Response render(const Failure& failure) {
  return is(failure.error, Code::route_unknown) ? plain_not_found() : error_response(failure);
}

std::vector<Endpoint> table_of(const std::string& metrics_path) {
  std::vector<Endpoint> table{
      {"GET", "/debug/health", "debug", Right::nothing, Cost::quick, get_health},
      {"GET", "/debug/vars", "debug", Right::nothing, Cost::quick, get_vars},
      {"GET", "/debug/health/down", "debug", Right::nothing, Cost::quick, nothing_here},
      {"POST", "/debug/health/down", "debug", Right::nothing, Cost::quick, set_down},
      {"GET", "/debug/health/up", "debug", Right::nothing, Cost::quick, nothing_here},
      {"POST", "/debug/health/up", "debug", Right::nothing, Cost::quick, set_up},
  };
  if (!metrics_path.empty()) table.push_back({"GET", metrics_path, "debug", Right::nothing, Cost::quick, get_metrics});
  return table;
}

} // namespace

Pages::Pages(Health& its_health, Metrics& its_metrics, std::string path)
    : health(its_health), metrics(its_metrics), metrics_path(std::move(path)), endpoints(table_of(metrics_path)) {}

Face face(const Pages& pages) {
  return {.owns = [](std::string_view) { return true; },
          .endpoints = pages.endpoints,
          .render = render,
          .ending = Face::Ending::exact};
}

} // namespace berth::api::debug
