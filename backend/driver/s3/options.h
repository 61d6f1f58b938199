// What a config says of a bucket, as driver/s3/ takes it.
#pragma once

#include <cstdint>
#include <string>

namespace berth::driver::s3 {

struct Options {
  std::string bucket;
  std::string region;         // empty with an endpoint of one's own: us-east-1
  std::string endpoint;       // a host with a port, or a URL of nothing else; empty: that of AWS in the region
  bool secure = true;         // whether an endpoint without a scheme is spoken to by https
  bool verifies_tls = true;   // whether its certificate has to be good
  bool path_style = false;    // the bucket stands in the path, not before the host
  bool dual_stack = false;    // of AWS: the endpoint that speaks IPv6 too
  bool accelerate = false;    // of AWS: the one at the edge
  bool fips = false;          // of AWS: the one with validated cryptography
  std::string root_directory; // what all keys begin with; without slashes around it
  std::string storage_class;  // empty: none is named
  std::string acl;            // a canned one; empty: none is named
  bool encrypt = false;       // by the store
  std::string key_id;         // with this key of KMS; empty: with the store's own
  std::string user_agent = "berth";
  std::string redirect_endpoint; // scheme and host that clients are sent to; empty: the endpoint
  unsigned connections = 64;     // at once; half of them for parts of large objects
};

// Where requests go.
struct Address {
  std::string origin;      // scheme and host
  std::string host;        // as the Host header has it
  std::string path_prefix; // before every key: the bucket, if it stands in the path
};
// The store's address, and where clients are sent.
Address address_of(const Options& options);
Address redirect_address_of(const Options& options);

} // namespace berth::driver::s3
