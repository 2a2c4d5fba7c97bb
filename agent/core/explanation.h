// Explanation: one line taken apart for people: its fields and where they stand, what kind of
// evidence it is, and who is charged, or why nobody is. Pure; it reads with the service's own code.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/pipeline.h"

namespace agent {

struct ExplainedField {
  std::string_view name;
  std::string value;                 // as raw as the line
  std::optional<std::size_t> begin;  // in the line; nullopt: decoded, or from the message's arrival
  std::size_t end = 0;
};

struct Explanation {
  std::vector<ExplainedField> fields;  // in the order they stand in
  std::string kind = "none";           // as in the output field "kind"
  Charged verdict = Charged::nobody_known;
  std::string identity;
  std::optional<Instant> time;
  // What the reason of a refusal or a failure means, and by which pattern ("" if by none).
  std::optional<parsers::Reason> reason_class;
  std::string reason_pattern;
  std::string why;  // a sentence: who is charged and by what, or the first thing that says no
};

// Explainer: explains lines in the order they are given. A failed delivery is charged by the
// arrival entry that came before it, a forged line by the entry that it stands in.
class Explainer {
 public:
  Explainer(const Config& config, PipelineOptions around);
  Explanation explain(std::string_view line);  // without its LF

 private:
  PipelineOptions around_;
  std::vector<Rule> rules_;
  std::optional<bool> junk_helo_;
  Pipeline pipeline_;
  parsers::PatternMemory patterns_;
  std::size_t log_;
};

}  // namespace agent
