#include "fcgi/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "base/content.h"

namespace berth::fcgi {
namespace {

using Steady = std::chrono::steady_clock;

// FastCGI 1.0, section 8.
constexpr char version = 1, begin_request = 1, end_request = 3, params = 4, standard_input = 5, standard_output = 6;
constexpr std::size_t header_bytes = 8, max_record = 65535;
constexpr const char* peer = "the pool's socket";

void append_record(std::string& bytes, char type, std::string_view content) {
  const auto size = static_cast<unsigned>(content.size());
  bytes += {version, type, 0, 1, static_cast<char>(size >> 8), static_cast<char>(size & 0xff), 0, 0};
  bytes += content;
}

// A length: one byte, or four from 128 on.
void append_length(std::string& bytes, std::size_t length) {
  if (length >= 128)
    for (const int shift : {24, 16, 8}) bytes += static_cast<char>((length >> shift & 0xff) | (shift == 24 ? 0x80 : 0));
  bytes += static_cast<char>(length & 0xff);
}

// Waits until the connection can be read or written. Errors: unavailable.
Result<> await(int connection, short what, Steady::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    pollfd one{connection, what, 0};
    const int ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready == 0) return fail(Code::unavailable, "the pool does not answer in time");
    if (errno != EINTR) return std::unexpected(errno_error("poll", peer, errno));
  }
}

Result<> send_all(int connection, std::string_view bytes, Steady::time_point deadline) {
  while (!bytes.empty()) {
    BERTH_CHECK(await(connection, POLLOUT, deadline));
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EINTR && errno != EAGAIN) return std::unexpected(errno_error("send", peer, errno));
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

// The body behind CGI's headers, of which the status alone counts.
Answer read_page(std::string_view text) {
  Answer answer;
  constexpr std::string_view status = "Status: ", end = "\r\n\r\n";
  const std::size_t blank = text.find(end);
  const std::string_view head = text.substr(0, blank);
  if (head.starts_with(status)) std::from_chars(head.data() + status.size(), head.data() + head.size(), answer.status);
  if (blank != std::string_view::npos) answer.body = text.substr(blank + end.size());
  return answer;
}

} // namespace

std::string write_question(const Parameters& parameters) {
  constexpr char responder = 1;
  std::string bytes, pairs;
  append_record(bytes, begin_request, std::string{0, responder, 0, 0, 0, 0, 0, 0});
  for (const auto& [name, value] : parameters) {
    append_length(pairs, name.size());
    append_length(pairs, value.size());
    pairs += name + value;
  }
  for (std::string_view rest = pairs; !rest.empty(); rest.remove_prefix(std::min(rest.size(), max_record)))
    append_record(bytes, params, rest.substr(0, max_record));
  append_record(bytes, params, {});
  append_record(bytes, standard_input, {});
  return bytes;
}

Result<Answer> read_answer(std::string_view bytes) {
  std::string page;
  while (bytes.size() >= header_bytes) {
    const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    const std::size_t size = at(4) << 8 | at(5), padding = at(6);
    if (bytes[0] != version || bytes.size() < header_bytes + size + padding) break;
    if (bytes[1] == standard_output) page += bytes.substr(header_bytes, size);
    if (bytes[1] == end_request) return read_page(page);
    bytes.remove_prefix(header_bytes + size + padding);
  }
  return fail(Code::io, "the pool's answer is cut short, or none of FastCGI");
}

Result<Answer> ask(const UniqueFd& connection, const Parameters& parameters, std::chrono::milliseconds limit) {
  const auto deadline = Steady::now() + limit;
  BERTH_CHECK(send_all(connection.get(), write_question(parameters), deadline));
  std::string bytes;
  std::array<char, 16 * 1024> buffer{};
  for (;;) {
    BERTH_CHECK(await(connection.get(), POLLIN, deadline));
    const ssize_t count = ::recv(connection.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return std::unexpected(errno_error("recv", peer, errno));
    if (count == 0) return read_answer(bytes);
    if (count > 0) bytes.append(buffer.data(), static_cast<std::size_t>(count));
    if (bytes.size() > max_answer_bytes) return fail(Code::io, "the pool's answer is too long");
  }
}

} // namespace berth::fcgi
