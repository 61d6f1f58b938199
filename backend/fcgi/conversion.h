// Conversion between CGI's forms and berth's: parameters to a request, a response to the bytes that go back. No
// sockets.
// The parameters come from nginx and are trusted as far as nginx is: what a client chose is in HTTP_* and REQUEST_URI.
// Spec: RFC 3875 (CGI); nginx's X-Accel-Redirect. Our own: BERTH_BODY_FILE, where nginx spooled the body,
// BERTH_READS_HEAD, BERTH_SENDS_FILE, BERTH_CLIENT_CERT, the client's verified certificate, and BERTH_BEFORE_BODY with
// the X-Berth-* headers that answer it (nginx/snippets/http/bodies.conf).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/message.h"

namespace berth::fcgi {

// The internal location below which nginx serves the files of the store.
inline constexpr std::string_view store_location = "/_berth/store";

struct Incoming {
  http::Request request;         // without its body
  std::string spool_file;        // BERTH_BODY_FILE; empty: the body follows on the FastCGI stream
  bool nginx_reads_head = false; // BERTH_READS_HEAD=1: to the end, also after HEAD
  bool pool_sends_file = false;  // BERTH_SENDS_FILE=1: nginx would not send a StoreFile as it is
};

// Reads `NAME=value` strings up to a null pointer. A header that comes twice is joined by commas.
// Errors: bad_request if there is no method or target, the length is no number or the headers are beyond the limits;
// what could be read is in `into` all the same.
Result<> read_parameters(const char* const* parameters, Incoming& into);

// Errors: bad_request if the body is not as long as the request said.
Result<> check_length(const http::Request& request);

// Opens a file of the store. Nothing if it is not there, or no file.
UniqueFd open_stored(const std::string& store_directory, const http::StoreFile& file);

// Status and headers up to and with the empty line. A StoreFile becomes X-Accel-Redirect, unless its bytes follow.
// Before the body the whole answer is in the head: 204 says that the body is wanted, 403 what to answer instead.
enum class Stored { by_nginx, by_pool };
std::string write_head(const http::Request& request, const http::Response& response, Stored stored = Stored::by_nginx);

// The bytes that follow the head.
std::string_view body_of(const http::Request& request, const http::Response& response);

// Whether nginx takes all of the reply, and may then use its connection again. After X-Accel-Redirect, and after HEAD
// if it does not say otherwise, it closes the connection as soon as it has read the head.
bool nginx_reads_to_the_end(const Incoming& incoming, const http::Response& response);

} // namespace berth::fcgi
