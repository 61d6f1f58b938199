#include "auth/saslauthd.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace berth::auth {
namespace {

constexpr std::size_t max_text_bytes = 255;    // saslauthd has room for 256, with the end
constexpr std::size_t max_answer_bytes = 1024; // of which OK or NO matter

std::unexpected<Error> failed(const char* call, int error_number) {
  return fail(Code::unavailable, std::string("saslauthd: ") + call + ": " + std::strerror(error_number));
}

void append(std::string& question, std::string_view text) {
  question += static_cast<char>(text.size() >> 8);
  question += static_cast<char>(text.size() & 0xff);
  question += text;
}

// One question and its answer, within a time. Errors: unavailable.
class Conversation {
public:
  explicit Conversation(std::chrono::milliseconds timeout) : deadline_(std::chrono::steady_clock::now() + timeout) {}

  Result<> connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return failed("connect", ENAMETOOLONG);
    path.copy(address.sun_path, path.size());
    socket_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) return failed("socket", errno);
    // EAGAIN: its queue is full; there is nothing to wait on.
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return failed("connect", errno);
    return {};
  }

  Result<> send(std::string_view bytes) {
    while (!bytes.empty()) {
      BERTH_CHECK(wait(POLLOUT));
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno != EAGAIN && errno != EINTR) return failed("send", errno);
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<std::string> receive(std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) {
      BERTH_CHECK(wait(POLLIN));
      std::array<char, max_answer_bytes> buffer;
      const ssize_t count = ::recv(socket_.get(), buffer.data(), std::min(bytes - text.size(), buffer.size()), 0);
      if (count == 0) return fail(Code::unavailable, "saslauthd: it ended the connection without an answer");
      if (count < 0 && errno != EAGAIN && errno != EINTR) return failed("recv", errno);
      if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

private:
  Result<> wait(short events) {
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
      if (left <= 0) return failed("no answer in time", ETIMEDOUT);
      pollfd one{socket_.get(), events, 0};
      const int ready = ::poll(&one, 1, static_cast<int>(left));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return failed("poll", errno);
    }
  }

  const std::chrono::steady_clock::time_point deadline_;
  UniqueFd socket_;
};

} // namespace

Result<Caller> Saslauthd::check(std::string_view user, std::string_view password) const {
  if (user.size() > max_text_bytes || password.size() > max_text_bytes)
    return fail(Code::unauthorized, "longer than saslauthd takes");
  Conversation conversation(options_.timeout);
  BERTH_CHECK(conversation.connect(options_.socket));
  std::string question;
  question.reserve(4 * (2 + max_text_bytes)); // no copy of a password is left behind
  for (const std::string_view text : {user, password, std::string_view(options_.service), std::string_view()})
    append(question, text);
  const auto sent = conversation.send(question);
  OPENSSL_cleanse(question.data(), question.size());
  BERTH_CHECK(sent);
  BERTH_TRY(const std::string length, conversation.receive(2));
  const std::size_t bytes = static_cast<unsigned char>(length[0]) * 256U + static_cast<unsigned char>(length[1]);
  BERTH_TRY(const std::string answer, conversation.receive(std::min(bytes, max_answer_bytes)));
  if (answer.starts_with("OK")) return Caller{.user = std::string(user)};
  if (answer.starts_with("NO")) return fail(Code::unauthorized, "saslauthd says no");
  return fail(Code::unavailable, "saslauthd: its answer is neither yes nor no");
}

} // namespace berth::auth
