#include "fcgi/server.h"

#include <fcgiapp.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/signals_blocked.h"
#include "base/unique_fd.h"
#include "fcgi/admission.h"
#include "fcgi/conversion.h"
#include "fcgi/exchange.h"
#include "fcgi/held_replies.h"

namespace berth::fcgi {
namespace {

// libfcgi takes SIGTERM, SIGUSR1 and SIGPIPE for its own when it is initialised; the first two are the application's.
Result<> initialise_libfcgi() {
  struct sigaction term{}, usr1{}, ignore{};
  ::sigaction(SIGTERM, nullptr, &term);
  ::sigaction(SIGUSR1, nullptr, &usr1);
  const int error = FCGX_Init();
  ::sigaction(SIGTERM, &term, nullptr);
  ::sigaction(SIGUSR1, &usr1, nullptr);
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  if (error != 0) return fail(Code::io, "FCGX_Init failed with " + std::to_string(error));
  return {};
}

} // namespace

// One thread of the pool.
class Server::Worker {
public:
  Worker(Server& server, Admission& admission, HeldReplies& held)
      : server_(server), admission_(admission), held_(held) {}

  void run() {
    take_place();
    while (Connection* connection = server_.connections_.next()) {
      serve(*connection);
      take_place();
    }
    give_place();
  }

  // Answers one request, or leaves it to wait; after that also those that have waited for it.
  void serve(Connection& connection) {
    if (!receive(connection)) return finish(*exchange_, false);
    work_on(std::move(exchange_));
    while (auto exchange = admission_.take_back()) {
      give_place();
      work_on(std::move(exchange));
    }
    if (exchange_ == nullptr) exchange_ = std::make_unique<Exchange>();
  }

private:
  void work_on(std::unique_ptr<Exchange> exchange) {
    if (!Admission::is_long(exchange->cost, exchange->incoming.request.body.size())) return attend(std::move(exchange));
    give_place();
    exchange = admission_.begin_long(std::move(exchange));
    for (; exchange != nullptr; exchange = admission_.end_long()) attend(std::move(exchange));
  }

  // Answers it, has its reply held, or lets it leave.
  void attend(std::unique_ptr<Exchange> exchange) {
    while (exchange != nullptr) {
      bool keep = answer(*exchange);
      if (exchange->incoming.request.waiting.awaited != nullptr) {
        exchange = admission_.leave(std::move(exchange));
        continue;
      }
      if (!exchange->held_reply.empty()) {
        exchange = held_.hold(std::move(exchange), keep);
        if (exchange == nullptr) return;
        keep = exchange->put(exchange->held_reply) && keep;
      }
      finish(*exchange, keep);
      exchange_ = std::move(exchange);
      return;
    }
  }

  void finish(Exchange& exchange, bool keep) { server_.finish(exchange, keep); }

  // False if no request came.
  bool receive(Connection& connection) {
    if (!exchange_->begin(connection)) return false;
    try {
      http::Request& request = exchange_->incoming.request;
      exchange_->received = exchange_->read_head();
      exchange_->cost = server_.handler_.cost_of(request);
      if (exchange_->cost != http::Cost::quick) give_place();
      if (exchange_->received && !request.before_body)
        exchange_->received = exchange_->read_body(server_.options_.spool_directory);
      return true;
    } catch (const std::exception& thrown) {
      return drop(thrown), false;
    }
  }

  // False if there is no use in keeping the connection. Nothing is sent if the request has something to await, or if
  // its reply is to be held.
  bool answer(Exchange& exchange) {
    try {
      Incoming& incoming = exchange.incoming;
      Waiting& waiting = incoming.request.waiting;
      waiting = {[this] { give_place(); }, true, nullptr, std::move(waiting.awaited)};
      const http::Response response = exchange.received
                                          ? server_.handler_.handle(incoming.request)
                                          : server_.handler_.refuse(incoming.request, exchange.received.error());
      if (waiting.awaited != nullptr) return false;
      if (const auto* file = std::get_if<http::StoreFile>(&response.body); file && incoming.pool_sends_file)
        return send(exchange, response, *file);
      const std::string_view body = incoming.request.before_body ? "" : body_of(incoming.request, response);
      if (response.is_held) {
        exchange.held_reply = write_head(incoming.request, response).append(body);
        return nginx_reads_to_the_end(incoming, response);
      }
      const bool sent = exchange.put(write_head(incoming.request, response)) && exchange.put(body);
      if (!sent) server_.logger_.debug("nginx did not wait for the reply", {{"method", incoming.request.method}});
      return sent && nginx_reads_to_the_end(incoming, response);
    } catch (const std::exception& thrown) {
      return drop(thrown), false;
    }
  }

  // There is no memory: nginx answers 502 for us.
  void drop(const std::exception& thrown) { server_.logger_.error("request dropped", {{"error", thrown.what()}}); }

  // Sends a file, where nginx would compare the request's conditions with the file's date. A slow client of a long file
  // may hold a thread, so few may do so at once. False: the connection is not kept.
  bool send(Exchange& exchange, const http::Response& response, const http::StoreFile& file) {
    give_place();
    const http::Request& request = exchange.incoming.request;
    const UniqueFd fd = open_stored(server_.options_.store_directory, file);
    const auto refuse = [&](const Error& why) {
      const http::Response refusal = server_.handler_.refuse(request, why);
      exchange.put(write_head(request, refusal));
      exchange.put(body_of(request, refusal));
      return false;
    };
    if (!fd) return refuse({Code::blob_unknown, {}, {}});
    if (!server_.sent_files_.try_acquire()) return refuse({Code::unavailable, {}, {}});
    (void)(exchange.put(write_head(request, response, Stored::by_pool)) && exchange.put_file(fd.get(), file.size));
    server_.sent_files_.release();
    return false;
  }

  void take_place() {
    if (!std::exchange(has_place_, true)) admission_.take_quick_place();
  }
  void give_place() {
    if (std::exchange(has_place_, false)) admission_.give_quick_place();
  }

  Server& server_;
  Admission& admission_;
  HeldReplies& held_;
  bool has_place_ = false;
  std::unique_ptr<Exchange> exchange_ = std::make_unique<Exchange>();
};

Server::Server(Options options, http::Handler& handler, Logger& logger)
    : options_(std::move(options)), handler_(handler), logger_(logger), connections_(options_.listen_fd, logger) {}

Result<> Server::run() {
  BERTH_CHECK(initialise_libfcgi());
  BERTH_CHECK(connections_.prepare());
  Admission admission(options_.long_bodies);
  std::optional<HeldReplies> held;
  std::deque<Worker> workers;
  std::vector<std::thread> threads;
  Result<> started;
  try {
    const SignalsBlocked blocked;
    held.emplace([this](Exchange& exchange, bool keep) { finish(exchange, keep); });
    for (unsigned i = 0; i < std::max(options_.threads, 1U); ++i) workers.emplace_back(*this, admission, *held);
    for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(); });
  } catch (const std::system_error& thrown) {
    started = fail(Code::io, std::string("cannot start a thread: ") + thrown.what() + " (see RLIMIT_NPROC)");
    stop();
  }
  connections_.hand_back();
  for (std::thread& thread : threads) thread.join();
  if (held) held->stop(); // its thread gives connections back, too
  while (Connection* connection = workers.empty() ? nullptr : connections_.next_unserved())
    workers.front().serve(*connection);
  connections_.close_all();
  return started;
}

void Server::finish(Exchange& exchange, bool keep) {
  if (exchange.end(keep))
    connections_.keep(&exchange.connection());
  else
    connections_.close(&exchange.connection());
}

void Server::stop() { connections_.stop(); }

} // namespace berth::fcgi
