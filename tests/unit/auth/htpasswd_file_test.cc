#include "auth/htpasswd_file.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <thread>

#include "unit/auth/setting.h"
#include "unit/temp_dir.h"

using namespace berth;
using namespace berth::auth;

namespace {

struct Setting {
  // Writes the file as an editor does, another in its place.
  void write(const std::string& text) const {
    const std::string made = directory.write("made", text);
    std::filesystem::rename(made, path);
  }
  bool knows(const std::string& user) const { return file->current()->find(user) != nullptr; }
  void open() { file = open_htpasswd(path, log).value(); }

  test::TempDir directory;
  std::string path = directory.path() + "/htpasswd";
  test::KeptLog log;
  std::unique_ptr<HtpasswdFile> file;
};

} // namespace

TEST_CASE("a file that is missing or broken is refused at first, with what makes one") {
  Setting setting;
  const auto missing = open_htpasswd(setting.path, setting.log);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::not_found);
  CHECK(missing.error().message == "auth.htpasswd.path: \"" + setting.path + "\": open " + setting.path +
                                       ": No such file or directory; `berth passwd " + setting.path +
                                       " USER` makes such a file");
  CHECK_FALSE(std::filesystem::exists(setting.path)); // nobody makes one with a user that nobody knows

  setting.write("a:b\nhunter2\n");
  const auto broken = open_htpasswd(setting.path, setting.log);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.find("line 2 has no colon") != std::string::npos);
  CHECK(broken.error().message.find("hunter2") == std::string::npos);

  CHECK_FALSE(open_htpasswd(setting.directory.path(), setting.log));
}

TEST_CASE("a file that changes is read again, in place or replaced") {
  Setting setting;
  setting.write("alice:a\n");
  setting.open();
  const auto before = setting.file->current();
  CHECK(setting.file->current() == before); // not read again
  CHECK(setting.log.take().empty());

  setting.write("bob:b\n");
  CHECK(setting.knows("bob"));
  CHECK_FALSE(setting.knows("alice"));
  CHECK(setting.log.take() ==
        std::vector<std::string>{"info: the htpasswd file has changed path=" + setting.path + " users=1"});

  setting.directory.write("htpasswd", "bob:b\ncarol:c\n");
  CHECK(setting.knows("carol"));
  CHECK(before->find("alice") != nullptr); // whoever has it keeps it
}

TEST_CASE("a file that is broken or gone changes nothing, and is told of once") {
  Setting setting;
  setting.write("alice:a\n");
  setting.open();

  setting.write("bob:b\nhunter2\n");
  for (int i = 0; i < 3; ++i) {
    CHECK(setting.knows("alice"));
    CHECK_FALSE(setting.knows("bob"));
  }
  CHECK(setting.log.take() ==
        std::vector<std::string>{"error: the htpasswd file is not taken; the users that it had stay in force path=" +
                                 setting.path + " error=line 2 has no colon between user and hash"});

  std::filesystem::remove(setting.path);
  for (int i = 0; i < 3; ++i) CHECK(setting.knows("alice"));
  const auto lines = setting.log.take();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("No such file") != std::string::npos);

  setting.write("bob:b\n");
  CHECK(setting.knows("bob"));
  CHECK_FALSE(setting.knows("alice"));
  CHECK(setting.log.take().size() == 1);
}

TEST_CASE("a file behind links that are changed, as in a mounted secret, is followed") {
  Setting setting;
  const std::string first = setting.directory.write("first", "alice:a\n");
  const std::string second = setting.directory.write("second", "bob:b\n");
  std::filesystem::create_symlink(first, setting.path);
  setting.open();
  CHECK(setting.knows("alice"));
  std::filesystem::remove(setting.path);
  std::filesystem::create_symlink(second, setting.path);
  CHECK(setting.knows("bob"));
}

TEST_CASE("a change that many see at once is told of once") {
  Setting setting;
  setting.write("alice:a\n");
  setting.open();
  setting.write("bob:b\n");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { (void)setting.file->current(); });
  threads.clear();
  CHECK(setting.log.take().size() == 1);
}
