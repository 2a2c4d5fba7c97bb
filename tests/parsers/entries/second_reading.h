// A second reading of the grammar of a refusal, slow and plain, to hold the scan against: every way
// to cut a payload into the fields that Exim prints, by backtracking. It shares no code with
// parsers/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace second_reading {

struct Reading {
  std::string host;
  bool authenticated = false;
  std::string authenticator, id;
  std::string sender;
  bool temporary = false;
  std::string argument, text;
};

// `junk_helo`: HELO may be any text. Only readings whose argument Exim could have printed.
std::vector<Reading> all_readings(std::string_view payload, bool junk_helo);

// Would Exim take this for one address (RCPT's argument as it stands after extract_option)?
bool exim_accepts(std::string_view argument);
// What Exim logs for the argument of RCPT TO: the last blank may become "=", 100 bytes at most.
std::string as_logged(std::string argument);

}  // namespace second_reading
