#include "app/supervisor/handshakes.h"

#include <array>
#include <utility>

namespace berth::app {
namespace {

constexpr std::string_view handshake = "SSL_do_handshake() failed";
constexpr std::string_view distrust =
    "the client does not trust the registry's certificate: give it the CA, or a certificate for the name that it uses";

// What OpenSSL and nginx say, and what it means. The first that is found counts.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> reasons{{
    {"alert unknown ca", distrust},
    {"alert bad certificate", distrust},
    {"alert certificate unknown", distrust},
    {"alert certificate expired", "the client takes the registry's certificate for expired: compare both clocks"},
    {"unsupported protocol", "the client speaks no version of TLS that the registry takes (http.tls.minimumtls)"},
    {"alert protocol version", "the registry speaks no version of TLS that the client takes"},
    {"no shared cipher", "client and registry have no cipher in common (http.tls.ciphersuites)"},
    {"peer did not return a certificate", "the client shows no certificate (http.tls.clientcas)"},
    {"client sent no required SSL certificate", "the client shows no certificate (http.tls.clientcas)"},
    {"client SSL certificate verify error", "the client's certificate is not one of http.tls.clientcas"},
    {"client sent plain HTTP request to HTTPS port", "the client speaks plain http to the port of https"},
    {handshake, ""},
}};

// TLS to a port of plain http: nginx takes the first record, a handshake (RFC 8446, 5.1), for a request line.
constexpr std::string_view no_request = "client sent invalid method while reading client request line";
constexpr std::string_view hello = ", request: \"\x16\x03";

std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t at = text.find(begin);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + begin.size());
  return text.substr(0, text.find_first_of(end));
}

} // namespace

std::optional<FailedHandshake> read_handshake(std::string_view message) {
  // Before the client's address is nothing that the client chose.
  const std::string_view said = message.substr(0, message.find(", client: "));
  if (said.contains(no_request) && message.contains(hello))
    return FailedHandshake{std::string(between(message, ", client: ", ", ")),
                           "the client speaks https to a port of plain http (http.tls)"};
  for (const auto& [text, reason] : reasons) {
    if (!said.contains(text)) continue;
    FailedHandshake failed{std::string(between(message, ", client: ", ", ")), std::string(reason)};
    if (reason.empty()) failed.reason = between(said, "routines::", ":)");
    if (failed.reason.empty()) failed.reason = "the handshake was cut short";
    return failed;
  }
  return std::nullopt;
}

void Handshakes::begin_window(Steady::time_point now) {
  if (begun_ && now - *begun_ < window) return;
  begun_ = now;
  told_.clear();
  untold_before_ += std::exchange(untold_, 0);
}

bool Handshakes::is_told(const FailedHandshake& failed, Steady::time_point now) {
  begin_window(now);
  if (told_.size() < max_told && told_.insert(failed.client + " " + failed.reason).second) return true;
  ++untold_;
  return false;
}

std::size_t Handshakes::take_untold(Steady::time_point now) {
  begin_window(now);
  return std::exchange(untold_before_, 0);
}

} // namespace berth::app
