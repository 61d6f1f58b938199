// FastCGI parameters to a request, and a response to the bytes that go back. Input: NAME=value, each ended by a NUL, as
// in /proc/<pid>/environ.
#include <algorithm>
#include <vector>

#include "fcgi/conversion.h"
#include "fuzz/oracle.h"
#include "http/limits.h"
#include "spool/spool.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

std::vector<std::string> parameters_of(std::string_view input) {
  std::vector<std::string> parameters;
  while (!input.empty()) parameters.emplace_back(take_until('\0', input));
  return parameters;
}

fcgi::Incoming read(const std::vector<std::string>& parameters) {
  std::vector<const char*> pointers;
  for (const std::string& parameter : parameters) pointers.push_back(parameter.c_str());
  pointers.push_back(nullptr);
  fcgi::Incoming incoming;
  if (const auto result = fcgi::read_parameters(pointers.data(), incoming))
    require(!incoming.request.method.empty() && !incoming.request.target.empty());
  else
    require(is(result.error(), Code::bad_request));
  return incoming;
}

void check_headers(const http::Headers& headers) {
  const auto& fields = headers.fields();
  require(fields.size() <= http::max_header_fields + 1); // and Content-Type
  for (const auto& [name, value] : fields) {
    require(name.find('_') == std::string::npos);
    require(headers.get(name) == value); // no name stands twice
  }
}

// A head is a line for every header, whatever the headers hold, and an empty line.
void check_head(const http::Request& request, const http::Response& response, std::string_view last_header) {
  const std::string head = fcgi::write_head(request, response);
  std::vector<std::string_view> lines;
  for (std::string_view rest = head; !rest.empty();) {
    std::string_view line = take_line(rest);
    require(line.ends_with('\r'));
    line.remove_suffix(1);
    require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    lines.push_back(line);
  }
  require(head.ends_with("\r\n\r\n") && lines.size() == response.headers.fields().size() + 3);
  require(lines.front().starts_with("Status: ") && lines.back().empty());
  require(lines[lines.size() - 2].starts_with(last_header));
}

void check_responses(const http::Request& request) {
  http::Response response;
  response.headers = request.headers; // worse than any endpoint does
  response.body = request.target;
  const std::string length = std::to_string(request.method == "HEAD" ? 0 : request.target.size());
  check_head(request, response, "Content-Length: " + length);
  response.body = http::StoreFile{request.target};
  check_head(request, response, "X-Accel-Redirect: " + std::string(fcgi::store_location));
  require(fcgi::body_of(request, response).empty());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fcgi::Incoming incoming = read(parameters_of(text_of(bytes, size)));
  check_headers(incoming.request.headers);
  check_responses(incoming.request);
  const auto length = fcgi::check_length(incoming.request); // there is no body
  require(length.has_value() == (incoming.request.content_length.value_or(0) == 0));
  require(!spool::open_spooled(incoming.spool_file, "/nonexistent/spool"));
  return 0;
}
