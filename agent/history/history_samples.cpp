#include "agent/history/history_samples.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "agent/output/output_row.h"

namespace agent {

std::string samples_json(const std::vector<Sample>& samples, const Zone& zone) {
  std::string out;
  for (const auto& sample : samples) {
    OutputRow row;
    row.add("time", zone.text(Instant(std::chrono::seconds(sample.time))))
        .add("host", sample.host)
        .add("recipient", sample.recipient)
        .add("reason", sample.reason);
    out += (out.empty() ? "[" : ",") + row.json();
  }
  return out.empty() ? out : out + "]";
}

std::vector<HistorySample> samples_in(std::string_view json) {
  std::vector<HistorySample> samples;
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_array()) return samples;
  for (const auto& one : parsed) {
    if (!one.is_object()) continue;
    const auto text = [&](const char* name) {
      const auto found = one.find(name);
      return found != one.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    samples.push_back({text("time"), text("host"), text("recipient"), text("reason")});
  }
  return samples;
}

}  // namespace agent
