// Any bytes as a checkpoint, with the right checksum put behind them: refused, or read to a value
// that is written and read to the same again.
#include "agent/state/checkpoint.h"
#include "agent/values/digest.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  (void)agent::decode_checkpoint(input);
  static const std::string kEmpty = agent::encode_checkpoint({});
  const auto header = kEmpty.substr(0, kEmpty.find('\n') + 1);
  const auto sum_word = kEmpty.substr(header.size(), kEmpty.size() - header.size() - 65);
  const auto content = header + std::string(input);
  const auto decoded =
      agent::decode_checkpoint(content + sum_word + agent::sha256_hex(content) + "\n");
  if (!decoded) {
    fuzz::require(!decoded.error().empty());
    return 0;
  }
  const auto written = agent::encode_checkpoint(decoded.value());
  const auto again = agent::decode_checkpoint(written);
  fuzz::require(static_cast<bool>(again));
  fuzz::require(agent::encode_checkpoint(again.value()) == written);
  return 0;
}
