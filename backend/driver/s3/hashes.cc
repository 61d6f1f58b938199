#include "driver/s3/hashes.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/content.h"
#include "base/encoding.h"

namespace berth::driver::s3 {

Result<std::string> sha256_hex_of(const client::FilePart& part) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free);
  if (!context || ::EVP_DigestInit_ex(context.get(), ::EVP_sha256(), nullptr) != 1)
    return fail(Code::io, "EVP_DigestInit_ex failed");
  std::vector<char> buffer(std::size_t{256} << 10);
  for (std::uint64_t done = 0; done < part.size;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), part.size - done));
    const ssize_t got = ::pread(part.fd, buffer.data(), wanted, static_cast<off_t>(part.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno_error("pread", "a file that is to be stored", errno));
    if (got == 0) return fail(Code::io, "a file that is to be stored is shorter than it was");
    ::EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(got));
    done += static_cast<std::uint64_t>(got);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  ::EVP_DigestFinal_ex(context.get(), hash.data(), &size);
  return to_hex({reinterpret_cast<const char*>(hash.data()), size});
}

std::string md5_base64(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  ::EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, ::EVP_md5(), nullptr);
  std::array<unsigned char, 32> text{};
  const int length = ::EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

} // namespace berth::driver::s3
