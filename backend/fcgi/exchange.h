// Exchange: one request on its connection, as libfcgi has it, from its first byte to the end of the reply. It may be
// taken from one thread to another between the two.
//
// libfcgi would accept connections itself, and wait on one that is kept for its next request: a thread for each. So it
// is given the connections that have a request to read, by FCGX_Request::ipcFd, which FCGX_Accept_r takes instead of
// accepting if it is not negative; and they are taken out again before it can wait. It is told of no listening socket.
#pragma once

#include <fcgiapp.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "fcgi/connections.h"
#include "fcgi/conversion.h"

namespace berth::fcgi {

class Exchange {
public:
  // Requires: libfcgi is initialised when begin() is called.
  Exchange();
  Exchange(const Exchange&) = delete;

  // Waits for the parameters of a request. False if none came.
  bool begin(Connection& connection);
  // The parameters, as a request. Errors: those of read_parameters.
  Result<> read_head();
  // The body, from the stream or from the file that nginx spooled. Errors: bad_request, and those of open_spooled.
  Result<> read_body(const std::string& spool_directory);
  // False if nginx went away; of a file, also if it ended early.
  bool put(std::string_view bytes);
  bool put_file(int fd, std::uint64_t size);
  // Takes the connection from libfcgi again, after begin() whatever that said. keep: whether it would be of use. True
  // if the connection can have another request.
  bool end(bool keep);

  Connection& connection() { return *connection_; }

  Incoming incoming;
  Result<> received;      // how the request came; an error: it is refused with that
  std::string held_reply; // not sent yet (held_replies.h); empty: there is none
  http::Cost cost = http::Cost::quick;

private:
  FCGX_Request fcgi_{};
  Connection* connection_ = nullptr;
  bool begun_ = false;
};

} // namespace berth::fcgi
