#include "app/nginx/check_nginx.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "app/nginx/certificate.h"
#include "app/nginx/nginx_process.h"
#include "app/nginx/tree.h"
#include "app/supervisor/account.h"
#include "app/supervisor/handed_sockets.h"
#include "base/clock.h"
#include "base/content.h"

namespace berth::app {
namespace {

// A directory that goes with its owner.
class TemporaryDirectory {
public:
  TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "berth-check-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; } // empty: could not be made

private:
  std::string path_;
};

} // namespace

Result<> check_nginx(const config::Config& config) {
  BERTH_TRY(NginxSettings settings, find_nginx(config));
  BERTH_TRY(const Account account, account_of(config));
  settings.user = nginx_user(account);
  BERTH_TRY(const CertificatePair pair, read_tls_files(config.http, SystemClock().now()));

  const TemporaryDirectory temporary;
  if (temporary.path().empty()) return std::unexpected(errno_error("mkdtemp", "a temporary directory", errno));
  config::Config elsewhere = config; // nginx makes directories when it tests
  elsewhere.berth.run_directory = temporary.path();
  elsewhere.berth.spool = temporary.path() + "/spool";
  settings.socket = temporary.path() + "/pool.sock";
  BERTH_TRY(HandedSockets sockets, HandedSockets::take()); // of a berth whose place this program is to take
  BERTH_CHECK(sockets.check(config.http.addr));
  BERTH_TRY(NginxProcess nginx, NginxProcess::make(std::move(settings), temporary.path(), {}, std::move(sockets)));
  return nginx.stage(elsewhere, pair);
}

} // namespace berth::app
