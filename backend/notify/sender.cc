#include "notify/sender.h"

#include "client/http_client.h"

namespace berth::notify {
namespace {

constexpr unsigned max_redirects = 10;

class HttpSender final : public Sender {
public:
  HttpSender(std::unique_ptr<client::HttpClient> client, const HttpOptions& options) : client_(std::move(client)) {
    request_.method = "POST";
    request_.url = options.url;
    request_.timeout = options.timeout;
    request_.max_redirects = max_redirects;
    request_.to_other_hosts = true;
    request_.headers.emplace_back("Content-Type", options.media_type);
    for (const auto& [name, values] : options.headers)
      for (const std::string& value : values) request_.headers.emplace_back(name, value);
  }

  Result<int> post(const std::string& body) override {
    request_.body = body;
    BERTH_TRY(const client::HttpReply reply, client_->perform(request_));
    return reply.status;
  }

  void stop() override { client_->stop(); }

private:
  const std::unique_ptr<client::HttpClient> client_;
  client::HttpRequest request_;
};

} // namespace

Result<std::unique_ptr<Sender>> http_sender(const HttpOptions& options) {
  BERTH_TRY(auto client, client::HttpClient::make());
  return std::make_unique<HttpSender>(std::move(client), options);
}

} // namespace berth::notify
