// The main of a fuzz target in the ordinary build: runs the inputs of the folders and files it is given, once each, and
// the empty input. No file to run is a failure, or a lost corpus would pass.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "fuzz/oracle.h"

namespace {

namespace fs = std::filesystem;

std::set<fs::path> inputs_of(int count, char** names) {
  std::set<fs::path> inputs;
  for (int i = 1; i < count; ++i) {
    if (fs::is_regular_file(names[i])) inputs.insert(names[i]);
    if (!fs::is_directory(names[i])) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(names[i]))
      if (entry.is_regular_file()) inputs.insert(entry.path());
  }
  return inputs;
}

} // namespace

int main(int count, char** names) {
  LLVMFuzzerTestOneInput(nullptr, 0);
  const std::set<fs::path> inputs = inputs_of(count, names);
  for (const fs::path& path : inputs) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
      std::cerr << "cannot read " << path << "\n";
      return EXIT_FAILURE;
    }
    std::cout << path.string() << std::endl; // before the run: the last line names the input that failed
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::cout << inputs.size() << " inputs" << std::endl;
  return inputs.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
}
