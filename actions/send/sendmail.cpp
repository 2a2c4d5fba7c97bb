#include "actions/send/sendmail.h"

#include "actions/program.h"

namespace actions {

Result<Done> send_by_program(const std::vector<std::string>& argv,
                             const std::vector<std::string>& recipients, std::string_view message,
                             std::chrono::milliseconds deadline) {
  auto words = argv;
  words.emplace_back("--");
  words.insert(words.end(), recipients.begin(), recipients.end());
  return hand_to_program(words, {}, message, deadline);
}

Result<Done> hand_to_program(const std::vector<std::string>& argv,
                             const std::vector<std::string>& environment, std::string_view input,
                             std::chrono::milliseconds deadline) {
  ProgramOptions options;
  options.deadline = deadline;
  options.environment = environment;
  const auto ended = run_program(argv, input, options);
  if (!ended) return ended.error();
  if (ended->exit_status == 0) return Done{};
  const auto how = ended->exit_status > 128
                       ? "killed by signal " + std::to_string(ended->exit_status - 128)
                       : "exit status " + std::to_string(ended->exit_status);
  const auto said = cleaned(ended->errors.empty() ? ended->output : ended->errors);
  return Error{Errc::refused, 0, argv[0] + ": " + how + ": " + said};
}

}  // namespace actions
