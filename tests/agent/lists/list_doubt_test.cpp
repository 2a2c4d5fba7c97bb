#include "agent/lists/list_doubt.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using agent::ListDoubt;
using std::chrono::milliseconds;

namespace {

ListDoubt::Steady at(int ms) {
  return ListDoubt::Steady(milliseconds(ms));
}

ListDoubt::Stamp stamp(std::uint64_t number) {
  actions::FileStamp stamp;
  stamp.inode = number;
  return stamp;
}

// A look at the file: when, which version of it there is, what is missing then; what follows from
// it: "waits" if the file is not even read, "doubts", or the keys that are gone.
struct Look {
  int ms;
  std::uint64_t version;
  ListDoubt::Keys missing;
  std::string follows;
};

std::string follows(ListDoubt& doubt, const Look& look) {
  if (!doubt.wants_reading(stamp(look.version), at(look.ms))) return "waits";
  const auto gone = doubt.judge(stamp(look.version), look.missing, at(look.ms));
  if (!gone) return "doubts";
  std::string keys = "gone:";
  for (const auto& key : *gone) keys += " " + key;
  return keys;
}

}  // namespace

TEST_CASE("keys that are gone are gone for good once their list has stayed the same") {
  struct Story {
    const char* what;
    std::vector<Look> looks;
  };
  const std::vector<Story> stories{
      {"nobody touches the file any more",
       {{20, 1, {"a", "b"}, "waits"},
        {49, 1, {"a", "b"}, "waits"},
        {50, 1, {"a", "b"}, "gone: a b"}}},
      {"the keys come back with the next write",
       {{20, 2, {}, "waits"}, {69, 2, {}, "waits"}, {70, 2, {}, "gone:"}}},
      {"one of them comes back, another one goes",
       {{30, 2, {"b", "c"}, "waits"}, {80, 2, {"b", "c"}, "gone: b c"}}},
      {"somebody goes on writing: what was missing in every look is gone after a second",
       {{40, 2, {"a", "b"}, "waits"},
        {80, 3, {"a", "b"}, "waits"},
        {100, 4, {"a"}, "doubts"},
        {140, 5, {"a", "b"}, "waits"},
        {200, 6, {"a", "b"}, "doubts"},
        {999, 7, {"a"}, "doubts"},
        {1000, 8, {"a", "b"}, "gone: a"}}},
      {"somebody goes on writing, and all of them were there once",
       {{100, 2, {"b"}, "doubts"}, {200, 3, {"a"}, "gone:"}}},
  };
  for (const auto& story : stories) {
    INFO(story.what);
    ListDoubt doubt({"a", "b"}, stamp(0), stamp(1), at(0));
    for (const auto& look : story.looks) {
      INFO("at " << look.ms << " ms");
      CHECK(follows(doubt, look) == look.follows);
    }
  }
}
