// An HTTP server of a test's own, one connection after the other.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/unique_fd.h"

namespace berth::test {

// Answers each request, given whole, with the bytes that the test says; none: never.
class Server {
public:
  using Answer = std::function<std::string(const std::string& request)>;

  explicit Server(Answer answer) : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 8) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(const std::string& path = "/") const { return "http://" + address() + path; }
  int connections() const { return connections_; }
  std::vector<std::string> requests() {
    return requests_.with([](const auto& all) { return all; });
  }

private:
  static bool waits(int fd, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd one{fd, POLLIN, 0};
      if (::poll(&one, 1, 20) > 0) return true;
    }
    return false;
  }

  void run(const std::stop_token& stop) {
    while (waits(listener_.get(), stop)) {
      const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
      ++connections_;
      serve(peer.get(), stop);
    }
  }

  void serve(int peer, const std::stop_token& stop) {
    std::string text;
    while (waits(peer, stop)) {
      char bytes[4096];
      const ssize_t count = ::recv(peer, bytes, sizeof bytes, 0);
      if (count <= 0) return;
      text.append(bytes, static_cast<std::size_t>(count));
      const std::size_t head = text.find("\r\n\r\n"), length = text.find("Content-Length: ");
      if (head == std::string::npos) continue;
      const std::size_t body = length < head ? std::stoul(text.substr(length + 16)) : 0;
      if (text.size() < head + 4 + body) continue;
      const std::string request = std::exchange(text, {});
      requests_.with([&](auto& all) { all.push_back(request); });
      const std::string reply = answer_(request);
      if (::send(peer, reply.data(), reply.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(reply.size())) return;
    }
  }

  const Answer answer_;
  UniqueFd listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  Guarded<std::vector<std::string>> requests_;
  std::jthread thread_; // the last member: it uses the others
};

inline std::string reply(int status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

} // namespace berth::test
