// Checks of single values of the configuration, for SectionReader. Each returns "" if the value is
// good, else what is accepted.
#pragma once

#include <string>

namespace agent {

std::string absolute_path(const std::string& text);
std::string log_path(const std::string& text);
std::string absolute_directory(const std::string& text);
std::string zone_name(const std::string& text);
std::string mail_address(const std::string& text);
std::string host_and_port(const std::string& text);
std::string own_address(const std::string& text);
std::string web_address(const std::string& text);
std::string notice_template(const std::string& text);
std::string pattern(const std::string& text);
std::string rule_name(const std::string& text);
std::string domain(const std::string& text);
// An identity as Exim logs it: a pattern would fit nobody.
std::string whole_identity(const std::string& text);
std::string not_empty(const std::string& text);

}  // namespace agent
