#include "auth/htpasswd_file.h"

#include "base/small_file.h"

namespace berth::auth {
namespace {

constexpr std::size_t max_bytes = 16 * 1024 * 1024;

} // namespace

Result<std::unique_ptr<HtpasswdFile>> open_htpasswd(const std::string& path, Logger& logger) {
  auto file = HtpasswdFile::open({
      .paths = {path},
      .read = [path]() -> Result<Htpasswd> {
        BERTH_TRY(const std::string text, read_small_file(path, max_bytes));
        return Htpasswd::parse(text);
      },
      .refused =
          [path, &logger](const Error& why) {
            logger.error("the htpasswd file is not taken; the users that it had stay in force",
                         {{"path", path}, {"error", why.message}});
          },
      .changed =
          [path, &logger](const Htpasswd& users) {
            logger.info("the htpasswd file has changed", {{"path", path}, {"users", std::to_string(users.size())}});
          },
  });
  if (file) return file;
  return fail(file.error().code, "auth.htpasswd.path: \"" + path + "\": " + file.error().message + "; `berth passwd " +
                                     path + " USER` makes such a file");
}

} // namespace berth::auth
