#include "fcgi/conversion.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "http/headers.h"
#include "http/limits.h"
#include "http/status.h"
#include "http/url.h"

namespace berth::fcgi {
namespace {

constexpr std::string_view header_prefix = "HTTP_";
constexpr std::size_t usual_head_bytes = 768;

// X_FORWARDED_PROTO → X-Forwarded-Proto
std::string header_name(std::string_view parameter) {
  std::string name(parameter);
  bool first = true;
  for (char& c : name) {
    if (c == '_')
      c = '-';
    else if (!first && c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    first = c == '-';
  }
  return name;
}

Result<> add_header(std::string_view parameter, std::string_view value, http::Headers& headers, std::size_t& bytes) {
  // nginx sends these two under their CGI names as well.
  if (parameter == "CONTENT_LENGTH" || parameter == "CONTENT_TYPE") return {};
  bytes += parameter.size() + value.size();
  if (headers.fields().size() == http::max_header_fields || bytes > http::max_header_bytes)
    return fail(Code::bad_request, {}, "the headers are too large");
  std::string name = header_name(parameter);
  if (!headers.has(name))
    headers.add(std::move(name), std::string(value));
  else {
    std::string joined = std::string(headers.get(name)) + ", " + std::string(value);
    headers.set(std::move(name), std::move(joined));
  }
  return {};
}

Result<> set_content_length(std::string_view text, http::Request& request) {
  if (text.empty()) return {}; // what nginx sends for a request without a body
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::bad_request, {}, "Content-Length is not a number");
  request.content_length = length;
  return {};
}

// nginx percent-encodes the PEM ($ssl_client_escaped_cert).
Result<> set_client_certificate(std::string_view value, http::Request& request) {
  BERTH_TRY(request.client_certificate, http::decode_path(value));
  return {};
}

// Seconds since 1970, that we gave nginx ourselves.
std::optional<Time> judged_at(std::string_view value) {
  std::int64_t seconds = 0;
  if (std::from_chars(value.data(), value.data() + value.size(), seconds).ec != std::errc()) return std::nullopt;
  return Time(std::chrono::seconds(seconds));
}

Result<> read_parameter(std::string_view name, std::string_view value, Incoming& into, std::size_t& header_bytes) {
  http::Request& request = into.request;
  if (name == "REQUEST_METHOD")
    request.method = value;
  else if (name == "REQUEST_URI")
    request.target = value;
  else if (name == "REQUEST_SCHEME")
    request.scheme = value;
  else if (name == "REMOTE_ADDR")
    request.remote_addr = value;
  else if (name == "BERTH_CLIENT_CERT")
    return set_client_certificate(value, request);
  else if (name == "BERTH_REQUEST_ID")
    request.trace.id = value;
  else if (name == "BERTH_SERVER")
    request.is_for_debug = value == "debug";
  else if (name == "REMOTE_PORT")
    request.remote_port = value;
  else if (name == "BERTH_BODY_FILE")
    into.spool_file = value;
  else if (name == "BERTH_JUDGED_AT")
    request.judged_at = judged_at(value);
  else if (name == "BERTH_BEFORE_BODY")
    request.before_body = value == "1";
  else if (name == "BERTH_READS_HEAD")
    into.nginx_reads_head = value == "1";
  else if (name == "BERTH_SENDS_FILE")
    into.pool_sends_file = value == "1";
  else if (name == "CONTENT_LENGTH")
    return set_content_length(value, request);
  else if (name == "CONTENT_TYPE" && !value.empty())
    request.headers.set("Content-Type", std::string(value));
  else if (name.starts_with(header_prefix))
    return add_header(name.substr(header_prefix.size()), value, request.headers, header_bytes);
  return {};
}

// A value may quote what a client sent; a line end in it would begin a header of the client's making.
void add_on_one_line(std::string& head, std::string_view value) {
  constexpr std::string_view line_ends("\r\n\0", 3);
  while (!value.empty()) {
    const std::string_view part = value.substr(0, value.find_first_of(line_ends));
    head.append(part);
    value.remove_prefix(std::min(value.size(), part.size() + 1));
  }
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void add_line(std::string& head, std::string_view name, std::string_view value) {
  add_on_one_line(head, name);
  head.append(": ");
  add_on_one_line(head, value);
  head.append("\r\n");
}

// For the access log alone.
void add_trace(std::string& head, const http::Trace& trace) {
  if (!trace.repository.empty()) add_line(head, "X-Berth-Repository", trace.repository);
  if (!trace.user.empty()) add_line(head, "X-Berth-User", trace.user);
}

constexpr std::size_t max_text_in_head = 8 * 1024;

// The headers that nginx can pass on of an answer that came before the body (nginx/snippets/location/answered.conf).
constexpr std::array<std::string_view, 12> passed_on{
    "Content-Type",     "Allow",         "Location", "Range",   "Docker-Upload-UUID", "Docker-Distribution-Api-Version",
    "WWW-Authenticate", "Cache-Control", "Pragma",   "Expires", "Retry-After",        "X-Docker-Registry-Version"};

bool is_passed_on(std::string_view name) {
  return std::ranges::any_of(passed_on, [&](std::string_view one) { return http::equal_ignoring_case(name, one); });
}

// Whether the answer is whole in a head. A question that cannot be told so is asked again, with its body; what writes
// or removes is not done twice, and tells of itself what can be told.
bool fits_a_head(const http::Request& request, const http::Response& response) {
  if (request.method != "GET" && request.method != "HEAD") return true;
  const auto* text = std::get_if<std::string>(&response.body);
  return request.method == "GET" && text != nullptr && text->size() <= max_text_in_head &&
         text->find('\n') >= text->size() - 1 &&
         std::ranges::all_of(response.headers.fields(), [](const auto& field) { return is_passed_on(field.first); });
}

// The head that answers BERTH_BEFORE_BODY.
std::string write_answer_before_body(const http::Request& request, const http::Response& response) {
  std::string head;
  const auto* takes = std::get_if<http::TakesBody>(&response.body);
  if (takes != nullptr || !fits_a_head(request, response)) {
    add_line(head, "Status", "204");
    add_line(head, "X-Berth-Takes", takes != nullptr && *takes == http::TakesBody::spooled ? "spooled" : "small");
    if (request.judged_at)
      add_line(head, "X-Berth-Judged-At",
               std::to_string(std::chrono::floor<std::chrono::seconds>(*request.judged_at).time_since_epoch().count()));
    return head + "\r\n";
  }
  add_line(head, "Status", "403");
  add_line(head, "X-Berth-Status", std::to_string(response.status));
  for (const auto& [name, value] : response.headers.fields())
    if (is_passed_on(name)) add_line(head, name, value);
  add_trace(head, request.trace);
  const std::string_view text = body_of(request, response);
  add_line(head, "X-Berth-Text", text.substr(0, max_text_in_head));
  if (text.ends_with('\n')) add_line(head, "X-Berth-Text-Ends", "line");
  add_line(head, "Content-Length", "0");
  return head + "\r\n";
}

} // namespace

Result<> read_parameters(const char* const* parameters, Incoming& into) {
  Result<> first_error;
  std::size_t header_bytes = 0;
  for (; *parameters != nullptr; ++parameters) {
    const std::string_view text = *parameters;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    auto read = read_parameter(text.substr(0, equals), text.substr(equals + 1), into, header_bytes);
    if (!read && first_error) first_error = std::move(read);
  }
  if (!first_error) return first_error;
  if (into.request.method.empty() || into.request.target.empty())
    return fail(Code::bad_request, {}, "the request has no method or no target");
  return {};
}

Result<> check_length(const http::Request& request) {
  if (request.body_too_large || !request.content_length || *request.content_length == request.body.size()) return {};
  return fail(Code::bad_request, {}, "the body is not as long as Content-Length says");
}

UniqueFd open_stored(const std::string& store_directory, const http::StoreFile& file) {
  UniqueFd fd(::open((store_directory + file.path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (fd && (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
             static_cast<std::uint64_t>(status.st_size) != file.size))
    fd.reset();
  return fd;
}

std::string write_head(const http::Request& request, const http::Response& response, Stored stored) {
  if (request.before_body) return write_answer_before_body(request, response);
  std::string head;
  head.reserve(usual_head_bytes);
  add_line(head, "Status", std::to_string(response.status) + " " + std::string(http::reason_of(response.status)));
  for (const auto& [name, value] : response.headers.fields()) add_line(head, name, value);
  add_trace(head, request.trace);
  if (const auto* file = std::get_if<http::StoreFile>(&response.body); file && stored == Stored::by_pool) {
    add_line(head, "Content-Length", std::to_string(file->size));
  } else if (file) {
    add_line(head, "X-Accel-Redirect", std::string(store_location) + http::encode_path(file->path));
  } else if (may_have_body(response.status)) {
    const std::uint64_t length = response.length_of_get.value_or(body_of(request, response).size());
    add_line(head, "Content-Length", std::to_string(length));
  }
  head += "\r\n";
  return head;
}

std::string_view body_of(const http::Request& request, const http::Response& response) {
  const auto* bytes = std::get_if<std::string>(&response.body);
  if (bytes == nullptr || request.method == "HEAD" || !may_have_body(response.status)) return {};
  return *bytes;
}

bool nginx_reads_to_the_end(const Incoming& incoming, const http::Response& response) {
  if (incoming.request.before_body) return true;
  return std::holds_alternative<std::string>(response.body) &&
         (incoming.request.method != "HEAD" || incoming.nginx_reads_head);
}

} // namespace berth::fcgi
