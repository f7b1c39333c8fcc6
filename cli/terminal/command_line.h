#ifndef TAUD_CLI_TERMINAL_COMMAND_LINE_H_
#define TAUD_CLI_TERMINAL_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/string_view.h"

// CLI11, made to take every word as it was typed.

namespace taud::cli {

// Parses the words behind the program's name. CLI11 by itself takes `[a,b]`
// for two values, `--context a b` for two as well, and `--context= b` for
// `--context b`; here a word is one value, and an option takes one, and may be
// given several times if it takes several. Throws CLI::ParseError. Called
// once, after all options were added.
void ParseWords(std::vector<std::string> words, CLI::App* app);

// What to say of an error of ParseWords: names a command or option that is
// unknown, and the one that was probably meant. Ready for a terminal.
std::string ParseErrorText(const CLI::App& app, const CLI::ParseError& error);

// The candidate that `word` is probably a slip of; "" if there is none.
std::string Nearest(absl::string_view word,
                    const std::vector<std::string>& candidates);

}  // namespace taud::cli

#endif  // TAUD_CLI_TERMINAL_COMMAND_LINE_H_
