// A line of standard input is a RCPT argument as Exim logs it; two digits come out for it: could
// Exim have printed it, by the parser's reading and by the second one. A third is 1 if one of its
// beginnings, cut by Exim's limit, would be refused.
#include <iostream>
#include <string>

#include "../parsers/entries/second_reading.h"
#include "parsers/fields/argument.h"
#include "parsers/fields/rcpt_address.h"

namespace {

bool a_beginning_is_refused(std::string_view argument) {
  for (std::size_t length = 0; length < argument.size(); ++length) {
    const auto reading = parsers::read_rcpt_address(argument.substr(0, length));
    if (reading == parsers::AddressReading::no) return true;
  }
  return false;
}

}  // namespace

int main() {
  for (std::string argument; std::getline(std::cin, argument);) {
    std::cout << parsers::could_be_argument(argument) << second_reading::exim_accepts(argument)
              << a_beginning_is_refused(argument) << '\n';
  }
}
