// ObjectStore: what an object store has, in memory: whole objects under keys, PUT (with a condition), GET of a range,
// HEAD, LIST in pages, COPY, DELETE. It counts what is asked of it, for a bill; it can be slow, and fail. ObjectDriver:
// a StorageDriver over it, with the keys of docker/distribution's s3 driver. Nothing has a version of a directory, the
// time of a change, a lock or a file to append to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/guarded.h"
#include "driver/storage_driver.h"

namespace berth::test {

// How often each kind of request was made, and how many bytes went each way.
struct Bill {
  int puts = 0, gets = 0, heads = 0, lists = 0, copies = 0, deletes = 0;
  std::size_t bytes_up = 0, bytes_down = 0;
  int calls() const { return puts + gets + heads + lists + copies + deletes; }
};

// How a request fails: the store does nothing, or its reply is lost.
enum class Fault { refused, reply_lost };

class ObjectStore {
public:
  static constexpr std::size_t page = 3; // keys and prefixes of a LIST

  using Tag = std::uint64_t; // of an object's state, another one with each PUT
  struct Head {
    std::size_t size = 0;
    Tag tag = 0;
  };
  struct Listed {
    std::vector<std::string> keys, prefixes;
    bool more = false;
  };

  // Errors: io, if the request is to fail.
  Result<Tag> put(const std::string& key, std::string bytes);
  // If the object has the tag or, without one, if there is none. Errors: busy.
  Result<Tag> put_if(const std::string& key, std::string bytes, const std::optional<Tag>& expected);
  // Errors: not_found.
  Result<std::string> get(const std::string& key, std::size_t offset = 0, std::size_t size = driver::no_limit);
  Result<Head> head(const std::string& key);
  // Keys that begin with prefix and come after `after`; those with a slash behind the prefix as prefixes of one level.
  Result<Listed> list(const std::string& prefix, const std::string& after);
  Result<> copy(const std::string& from, const std::string& to);
  Result<> remove(const std::vector<std::string>& keys); // one request

  // The request that comes as the `call`th from now on fails; 0: none does.
  void fail_call(int call, Fault fault);
  // So long each request takes.
  void delay(std::chrono::microseconds each);

  Bill bill();
  void forget_bill();
  std::map<std::string, std::string> objects();

private:
  struct Object {
    std::string bytes;
    Tag tag = 0;
  };
  struct State {
    std::map<std::string, Object> objects;
    Tag last = 0;
    Bill bill;
    int until_failure = 0;
    Fault fault = Fault::refused;
    std::chrono::microseconds each{};

    Tag set(const std::string& key, std::string bytes);
  };

  // A request: it takes its time, is counted, and may fail.
  template <class Effect>
  std::invoke_result_t<const Effect&, State&> request(int Bill::* kind, const Effect& effect);

  Guarded<State> state_;
};

class ObjectDriver final : public driver::StorageDriver {
public:
  // Where a client that is to get an object is sent; bytes: nowhere, they are read for it.
  enum class Sends { url, bytes };

  explicit ObjectDriver(ObjectStore& store, Sends sends = Sends::url) : store_(store), sends_(sends) {}

  Result<driver::FileInfo> stat(const std::string& path) override;
  Result<std::vector<driver::Entry>> list(const std::string& path, const std::string& after,
                                          std::size_t limit) override;
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override;
  Result<Content> open(const std::string& path) override;
  Result<Location> locate(const std::string& path) override;
  Result<> put_scratch(const std::string& path, std::string_view bytes) override;
  Result<> put(std::vector<driver::PutFile> files) override;
  Result<driver::Version> put_if(const std::string& path, std::string_view bytes,
                                 const std::optional<driver::Version>& expected) override;
  Result<> remove(const std::string& path, driver::Durability durability) override;
  Result<> discard(const std::string& directory) override;
  Result<> settle(const std::string& directory) override;

private:
  class Object;

  Result<> put_content(const std::string& key, const Content& content);

  ObjectStore& store_;
  Sends sends_;
};

} // namespace berth::test
