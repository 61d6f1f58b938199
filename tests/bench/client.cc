// bench_client: the load of tests/bench for what wrk cannot do: pushes, mounts, HEAD, answers that take long.
//
//   bench_client HOST PORT CA MODE TARGET CLIENTS SECONDS SIZE     (CA: a file; - for plain HTTP)
//
// One thread and one kept-alive connection a client; what can be hashed or framed beforehand is, so that the client
// costs little more than the bytes it sends. Prints "ready", waits for a line, works for SECONDS (a push in progress is
// ended) and prints one line of JSON. Modes: get and head ask for the path TARGET; patch (POST, PATCH in chunks, PUT),
// put (POST, PUT) and post push blobs of SIZE below the repository TARGET; image pushes LAYERS layers of SIZE, a
// config and a manifest, each into a new repository; images does so into one repository a client; again pushes one such
// image before the clock and then as a client does who finds it all there; mount mounts the blobs that standard input
// names (repository, blank, digest; an empty line ends them); limit receives blobs of SIZE from itself, hashes them and
// writes them once, below the folder TARGET; files makes there what a blob of SIZE is on disk, and syncs it, without
// any request: what no registry can undercut. BENCH_AUTHORIZATION is the value of that header in each request, if it is
// not empty.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "driver/fs_ops.h"

namespace {

using Clock = std::chrono::steady_clock;
using Pieces = std::vector<std::string_view>;

constexpr std::size_t block_bytes = std::size_t{4} << 20;  // what a large body repeats
constexpr std::size_t chunk_bytes = std::size_t{32} << 10; // of a PATCH, as docker's client sends it
constexpr std::size_t tail_bytes = 64;                     // the end of a body: what makes each blob another one
constexpr std::size_t reply_bytes = std::size_t{64} << 10;
constexpr time_t timeout_seconds = 60;
constexpr int layers = 10; // of an image: an ordinary number
constexpr std::string_view manifest_type = "application/vnd.docker.distribution.manifest.v2+json";

struct Options {
  std::string host, port, ca, mode, target;
  int clients = 1;
  double seconds = 1;
  std::size_t size = 0;
  std::string authorization; // a header's whole line, or nothing
};

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

class Sha256 {
public:
  Sha256() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  Sha256(const Sha256& other) { EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()); }
  void update(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string digest() {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), bytes, &size);
    std::string text = "sha256:";
    for (unsigned i = 0; i < size; ++i)
      for (const int digit : {bytes[i] >> 4, bytes[i] & 15}) text += "0123456789abcdef"[digit];
    return text;
  }

private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size));
  return bytes;
}

std::string chunked(std::string_view bytes) {
  std::string framed;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(chunk_bytes, bytes.size()))) {
    const std::string_view chunk = bytes.substr(0, chunk_bytes);
    char size[24];
    framed.append(size, static_cast<std::size_t>(std::snprintf(size, sizeof size, "%zx\r\n", chunk.size())));
    framed.append(chunk).append("\r\n");
  }
  return framed;
}

// Bodies of one size whose ends differ; all but the ends is hashed and framed once.
class Bodies {
public:
  explicit Bodies(std::size_t size)
      : size_(std::max(size, tail_bytes)), block_(random_bytes(std::min(size_ - tail_bytes, block_bytes))) {
    for (std::size_t left = size_ - tail_bytes; left > 0; left -= std::min(left, block_bytes)) {
      pieces_.push_back(std::string_view(block_).substr(0, left));
      hash_.update(pieces_.back());
    }
    framed_block_ = chunked(block_);
    if (!pieces_.empty()) framed_last_ = chunked(pieces_.back());
    framed_.assign(pieces_.size(), framed_block_);
    if (!framed_.empty()) framed_.back() = framed_last_;
  }
  Bodies(const Bodies&) = delete;

  struct Body {
    Pieces whole, framed;
    std::string digest, tail, framed_tail;
  };
  std::unique_ptr<Body> another() const {
    auto body = std::make_unique<Body>();
    body->tail = random_bytes(tail_bytes);
    body->framed_tail = chunked(body->tail) + "0\r\n\r\n";
    body->whole = pieces_;
    body->whole.push_back(body->tail);
    body->framed = framed_;
    body->framed.push_back(body->framed_tail);
    Sha256 hash = hash_;
    hash.update(body->tail);
    body->digest = hash.digest();
    return body;
  }
  std::size_t size() const { return size_; }

private:
  std::size_t size_;
  std::string block_, framed_block_, framed_last_;
  Pieces pieces_, framed_;
  Sha256 hash_;
};

struct Reply {
  int status = 0;
  std::string location; // a path
};

class Connection {
public:
  explicit Connection(const Options& options) : options_(options) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;

  // body: of a request that has one; headers: whole lines, Content-Length or Transfer-Encoding among them.
  Reply request(std::string_view method, const std::string& target, const std::string& headers, const Pieces& body) {
    if (socket_ < 0) open();
    send(std::string(method) + " " + target + " HTTP/1.1\r\nHost: " + options_.host + ":" + options_.port + "\r\n" +
         "Accept: " + std::string(manifest_type) + ", application/vnd.oci.image.manifest.v1+json, */*\r\n" +
         options_.authorization + headers + "\r\n");
    for (const std::string_view piece : body) send(piece);
    return read_reply(method == "HEAD");
  }

private:
  void open() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(options_.port)));
    ::inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr);
    const int on = 1;
    const timeval limit{timeout_seconds, 0};
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
    if (options_.ca == "-") return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (SSL_CTX_load_verify_locations(context_.get(), options_.ca.c_str(), nullptr) != 1)
      throw std::runtime_error("cannot read " + options_.ca);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_);
    if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("no TLS");
  }

  void close() {
    ssl_.reset();
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("cannot send");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void receive(std::string& to) {
    const long got = ssl_ ? SSL_read(ssl_.get(), buffer_.data(), static_cast<int>(buffer_.size()))
                          : ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) throw std::runtime_error("the server hung up");
    to.append(buffer_, 0, static_cast<std::size_t>(got));
  }

  static std::string header(const std::string& head, std::string_view name) {
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      const std::string_view line = std::string_view(head).substr(at + 2);
      if (::strncasecmp(line.data(), name.data(), name.size()) != 0 || line[name.size()] != ':') continue;
      const std::string_view value = line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
      return std::string(value.substr(std::min(value.size(), value.find_first_not_of(' '))));
    }
    return {};
  }

  Reply read_reply(const bool without_body) {
    std::string data;
    std::size_t end = 0;
    while ((end = data.find("\r\n\r\n")) == std::string::npos) receive(data);
    const std::string head = data.substr(0, end + 2);
    data.erase(0, end + 4);
    if (const std::string length = header(head, "Content-Length"); without_body) {
    } else if (!length.empty()) {
      const std::size_t wanted = std::stoul(length);
      for (std::size_t have = data.size(); have < wanted; have += data.size()) {
        data.clear(); // only how much it is matters
        receive(data);
      }
    } else if (header(head, "Transfer-Encoding") == "chunked") {
      while (!data.ends_with("0\r\n\r\n")) receive(data); // of JSON: nothing else in it ends so
    }
    Reply reply{std::stoi(head.substr(9, 3)), header(head, "Location")};
    if (const std::size_t scheme = reply.location.find("://"); scheme != std::string::npos)
      reply.location.erase(0, reply.location.find('/', scheme + 3));
    if (header(head, "Connection") == "close") close();
    return reply;
  }

  const Options& options_;
  int socket_ = -1;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  std::string buffer_ = std::string(reply_bytes, '\0');
};

const std::string no_body = "Content-Length: 0\r\n";
const std::string in_chunks = "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n";
std::string with_length(std::size_t size) {
  return "Content-Type: application/octet-stream\r\nContent-Length: " + std::to_string(size) + "\r\n";
}
std::string with_digest(const std::string& location, const std::string& digest) {
  return location + (location.find('?') == std::string::npos ? "?" : "&") + "digest=" + digest;
}

// Pushes one body to a repository. Whether it is there.
bool push(Connection& connection, const std::string& mode, const std::string& repository, const Bodies::Body& body,
          std::size_t size) {
  const std::string uploads = "/v2/" + repository + "/blobs/uploads/";
  if (mode == "post")
    return connection.request("POST", with_digest(uploads, body.digest), with_length(size), body.whole).status == 201;
  Reply reply = connection.request("POST", uploads, no_body, {});
  if (reply.status != 202) return false;
  if (mode == "put")
    return connection.request("PUT", with_digest(reply.location, body.digest), with_length(size), body.whole).status ==
           201;
  reply = connection.request("PATCH", reply.location, in_chunks, body.framed);
  if (reply.status != 202) return false;
  return connection.request("PUT", with_digest(reply.location, body.digest), no_body, {}).status == 201;
}

struct Image {
  std::vector<std::string> digests; // of the layers, then of the config
  std::string manifest;
};

std::string described(const std::string& type, std::size_t size, const std::string& digest) {
  return R"({"mediaType":"application/vnd.docker.)" + type + R"(","size":)" + std::to_string(size) + R"(,"digest":")" +
         digest + "\"}";
}

bool put_manifest(Connection& connection, const std::string& repository, const Image& image) {
  const std::string headers = "Content-Type: " + std::string(manifest_type) +
                              "\r\nContent-Length: " + std::to_string(image.manifest.size()) + "\r\n";
  return connection.request("PUT", "/v2/" + repository + "/manifests/latest", headers, {image.manifest}).status == 201;
}

int head_blob(Connection& connection, const std::string& repository, const std::string& digest) {
  return connection.request("HEAD", "/v2/" + repository + "/blobs/" + digest, "", {}).status;
}

// A new image, as docker pushes one: asks for each blob before it sends it. What it is made of, or nothing on a
// failure.
Image push_image(Connection& connection, const std::string& repository, const Bodies& layer, const Bodies& config) {
  Image image;
  std::string listed;
  for (int number = 0; number <= layers; ++number) {
    const Bodies& bodies = number == layers ? config : layer;
    const auto body = bodies.another();
    if (head_blob(connection, repository, body->digest) != 404) return {};
    if (!push(connection, "patch", repository, *body, bodies.size())) return {};
    image.digests.push_back(body->digest);
    if (number < layers)
      listed += (number ? "," : "") + described("image.rootfs.diff.tar.gzip", bodies.size(), body->digest);
  }
  image.manifest = R"({"schemaVersion":2,"mediaType":")" + std::string(manifest_type) + R"(","config":)" +
                   described("container.image.v1+json", config.size(), image.digests.back()) + R"(,"layers":[)" +
                   listed + "]}";
  if (!put_manifest(connection, repository, image)) return {};
  return image;
}

bool push_again(Connection& connection, const std::string& repository, const Image& image) {
  for (const std::string& digest : image.digests)
    if (head_blob(connection, repository, digest) != 200) return false;
  return put_manifest(connection, repository, image);
}

// The files of a blob and of a repository's link to it, under their names at once, hashed, and synced with their
// directories in one wait: fewer calls than it takes to do it safely, and no upload, request or reply.
class Files {
public:
  Files(const std::string& folder, int client)
      : blobs_(folder + "/blobs/sha256"), links_(folder + "/client-" + std::to_string(client)) {
    for (const std::string& made : {folder, folder + "/blobs", blobs_, links_}) ::mkdir(made.c_str(), 0777);
  }

  bool store(const Bodies::Body& body) const {
    const std::string hexadecimal = body.digest.substr(body.digest.find(':') + 1);
    const std::string shard = blobs_ + "/" + hexadecimal.substr(0, 2);
    const bool first = ::mkdir(shard.c_str(), 0777) == 0;
    std::vector<int> open{file(shard + "/" + hexadecimal, "data", body), file(links_ + "/" + hexadecimal, "link", {})};
    for (const std::string& folder : {shard + "/" + hexadecimal, shard, links_ + "/" + hexadecimal, links_})
      open.push_back(::open(folder.c_str(), O_RDONLY | O_DIRECTORY));
    if (first) open.push_back(::open(blobs_.c_str(), O_RDONLY | O_DIRECTORY));
    const bool fine =
        std::ranges::all_of(open, [](int fd) { return fd >= 0; }) && berth::driver::FsOps().fsync_all(open) == 0;
    for (const int fd : open) ::close(fd);
    return fine;
  }

private:
  static int file(const std::string& folder, const char* name, const Bodies::Body& body) {
    Sha256 hash;
    ::mkdir(folder.c_str(), 0777);
    const int fd = ::open((folder + "/" + name).c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
    for (const std::string_view piece : body.whole.empty() ? Pieces{folder} : body.whole) {
      hash.update(piece);
      if (::write(fd, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) return -1;
    }
    return hash.digest().empty() ? -1 : fd;
  }

  const std::string blobs_, links_;
};

// What one client does over and over. Whether it went well.
using Work = std::function<bool()>;

struct Shared {
  Bodies bodies;
  Bodies config{1024};
  std::vector<std::pair<std::string, std::string>> sources; // repository and digest, to mount from
};

Work work_of(int number, const Options& options, const Shared& shared, Connection& connection) {
  const std::string own = options.target + "/client-" + std::to_string(number);
  auto numbered = [own, count = 0]() mutable { return own + "-" + std::to_string(++count); };
  if (options.mode == "get") return [&] { return connection.request("GET", options.target, "", {}).status == 200; };
  if (options.mode == "head") return [&] { return connection.request("HEAD", options.target, "", {}).status == 200; };
  if (options.mode == "image")
    return [&, numbered]() mutable {
      return !push_image(connection, numbered(), shared.bodies, shared.config).digests.empty();
    };
  if (options.mode == "images")
    return [&, own] { return !push_image(connection, own, shared.bodies, shared.config).digests.empty(); };
  if (options.mode == "again") {
    const Image image = push_image(connection, own, shared.bodies, shared.config);
    if (image.digests.empty()) throw std::runtime_error("cannot push the image");
    return [&, own, image] { return push_again(connection, own, image); };
  }
  if (options.mode == "mount")
    return [&, numbered, target = own, at = std::size_t{0}]() mutable {
      if (at % shared.sources.size() == 0) target = numbered(); // what is there already would be no mount
      const auto& [repository, digest] = shared.sources[at++ % shared.sources.size()];
      const std::string path = "/v2/" + target + "/blobs/uploads/?mount=" + digest + "&from=" + repository;
      return connection.request("POST", path, no_body, {}).status == 201;
    };
  if (options.mode == "files")
    return [&, files = Files(options.target, number)] { return files.store(*shared.bodies.another()); };
  return [&, own] { return push(connection, options.mode, own, *shared.bodies.another(), shared.bodies.size()); };
}

void wait_for_start() {
  std::cout << "ready" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

void print_result(double seconds, std::vector<double> times, std::size_t bytes_each, int errors, double cpu) {
  std::ranges::sort(times);
  const auto percentile = [&](std::size_t part) { return times.empty() ? 0 : times[times.size() * part / 100] * 1e3; };
  std::printf("{\"seconds\":%.6f,\"requests\":%zu,\"bytes\":%zu,\"errors\":%d,\"p50_ms\":%.4f,\"p99_ms\":%.4f,"
              "\"cpu\":%.6f}\n",
              seconds, times.size(), times.size() * bytes_each, errors, percentile(50), percentile(99), cpu);
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void run_clients(const Options& options, const Shared& shared) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<Work> works;
  for (int number = 0; number < options.clients; ++number) {
    connections.push_back(std::make_unique<Connection>(options));
    works.push_back(work_of(number, options, shared, *connections.back()));
  }
  wait_for_start();
  const Clock::time_point start = Clock::now();
  const double cpu_before = cpu_seconds();
  std::vector<std::vector<double>> times(works.size());
  std::atomic<int> errors = 0;
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < works.size(); ++number)
    threads.emplace_back([&, number] {
      while (seconds_since(start) < options.seconds) {
        const Clock::time_point before = Clock::now();
        bool fine = false;
        try {
          fine = works[number]();
        } catch (const std::exception& error) {
          std::cerr << error.what() << "\n";
        }
        if (!fine) {
          ++errors;
          return; // a server that fails at speed would look fast
        }
        times[number].push_back(seconds_since(before));
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& of_client : times) all.insert(all.end(), of_client.begin(), of_client.end());
  const bool brings_bytes = options.mode == "patch" || options.mode == "put" || options.mode == "post";
  const std::size_t image_bytes = layers * shared.bodies.size() + shared.config.size();
  print_result(seconds_since(start), std::move(all),
               brings_bytes                        ? shared.bodies.size()
               : options.mode.starts_with("image") ? image_bytes
                                                   : 0,
               errors, cpu_seconds() - cpu_before);
}

// Receives, hashes and writes blobs that another process sends; the CPU printed is of the receiving half alone.
void measure_limit(const Options& options, const Shared& shared) {
  int sockets[2];
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("cannot listen");
  wait_for_start();
  const pid_t sender = ::fork();
  if (sender == 0) {
    sockets[1] = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(sockets[1], reinterpret_cast<sockaddr*>(&address), length) != 0) ::_exit(1);
    const auto body = shared.bodies.another();
    for (;;)
      for (const std::string_view piece : body->whole)
        for (std::string_view rest = piece; !rest.empty();) {
          const ssize_t sent = ::send(sockets[1], rest.data(), rest.size(), MSG_NOSIGNAL);
          if (sent <= 0) ::_exit(0); // it has enough
          rest.remove_prefix(static_cast<std::size_t>(sent));
        }
  }
  sockets[0] = ::accept(listener, nullptr, nullptr);
  std::string buffer(std::size_t{256} << 10, '\0');
  const std::string file = options.target + "/limit";
  const Clock::time_point start = Clock::now();
  const double cpu_before = cpu_seconds();
  std::vector<double> times;
  bool fine = sockets[0] >= 0;
  while (fine && seconds_since(start) < options.seconds) {
    const Clock::time_point before = Clock::now();
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    Sha256 hash;
    for (std::size_t left = shared.bodies.size(); fine && left > 0;) {
      const ssize_t got = ::recv(sockets[0], buffer.data(), std::min(left, buffer.size()), 0);
      fine = got > 0 && ::write(fd, buffer.data(), static_cast<std::size_t>(got)) == got;
      if (!fine) break;
      hash.update({buffer.data(), static_cast<std::size_t>(got)});
      left -= static_cast<std::size_t>(got);
    }
    fine = fine && ::fsync(fd) == 0 && hash.digest().size() > 64;
    ::close(fd);
    times.push_back(seconds_since(before));
  }
  const double seconds = seconds_since(start), cpu = cpu_seconds() - cpu_before;
  ::close(sockets[0]);
  ::waitpid(sender, nullptr, 0);
  ::unlink(file.c_str());
  print_result(seconds, std::move(times), shared.bodies.size(), fine ? 0 : 1, cpu);
}

std::string authorization_line() {
  const char* value = std::getenv("BENCH_AUTHORIZATION");
  return value == nullptr || *value == '\0' ? std::string() : "Authorization: " + std::string(value) + "\r\n";
}

} // namespace

int main(int count, char** arguments) {
  if (count != 9) {
    std::cerr << "usage: bench_client HOST PORT CA MODE TARGET CLIENTS SECONDS SIZE\n";
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const Options options{arguments[1],
                          arguments[2],
                          arguments[3],
                          arguments[4],
                          arguments[5],
                          std::stoi(arguments[6]),
                          std::stod(arguments[7]),
                          std::stoul(arguments[8]),
                          authorization_line()};
    Shared shared{Bodies(options.size), Bodies(1024), {}};
    std::string line;
    while (options.mode == "mount" && std::getline(std::cin, line) && !line.empty())
      shared.sources.emplace_back(line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1));
    options.mode == "limit" ? measure_limit(options, shared) : run_clients(options, shared);
  } catch (const std::exception& error) {
    std::cerr << "bench_client: " << error.what() << "\n";
    return 1;
  }
}
