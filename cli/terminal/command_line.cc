#include "cli/terminal/command_line.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

// Stands before a value that CLI11 would take apart, until it has taken it.
constexpr char kShield = '\x02';

bool NeedsShield(absl::string_view value) {
  return !value.empty() && (value.front() == '[' || value.front() == kShield);
}

void AddShielded(const std::string& word, std::vector<std::string>* words) {
  const size_t equals = word.find('=');
  const bool option = absl::StartsWith(word, "--") && equals != word.npos;
  if (option && equals + 1 == word.size()) {
    // CLI11 would look for the value in the next word.
    words->push_back(word.substr(0, equals));
    words->emplace_back();
  } else if (option && NeedsShield(word.substr(equals + 1))) {
    words->push_back(absl::StrCat(word.substr(0, equals + 1),
                                  std::string(1, kShield),
                                  word.substr(equals + 1)));
  } else if (NeedsShield(word)) {
    words->push_back(absl::StrCat(std::string(1, kShield), word));
  } else {
    words->push_back(word);
  }
}

std::string Unshielded(std::string value) {
  if (!value.empty() && value.front() == kShield) value.erase(0, 1);
  return value;
}

// CLI11 takes -1 for the largest number there is where none is below 0.
std::string NotBelowZero(const std::string& value) {
  return absl::StartsWith(absl::StripLeadingAsciiWhitespace(value), "-")
             ? absl::StrCat(value, " is below 0")
             : "";
}

void Prepare(CLI::App* app) {
  for (CLI::Option* option : app->get_options()) {
    if (absl::StartsWith(option->get_type_name(), "UINT")) {
      option->check(NotBelowZero);
    }
    option->transform(Unshielded);
    if (!option->get_positional() && option->get_items_expected_max() > 1) {
      option->allow_extra_args(false);
    }
  }
  for (CLI::App* command : app->get_subcommands({})) Prepare(command);
}

// The command that was reached, and how it is called.
const CLI::App* Reached(const CLI::App& app, std::string* call) {
  const CLI::App* at = &app;
  *call = "tauctl";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    absl::StrAppend(call, " ", at->get_name());
  }
  return at;
}

std::vector<std::string> Commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(
           [](const CLI::App* one) { return !one->get_name().empty(); })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> Options(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back(absl::StrCat("--", name));
      }
    }
  }
  return names;
}

std::string DidYouMean(absl::string_view word,
                       const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?");
}

// How many letters to add, drop, change or swap with the next, at least.
size_t Slips(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1,
                                     std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const bool same = a[i - 1] == b[j - 1];
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

void ParseWords(std::vector<std::string> words, CLI::App* app) {
  Prepare(app);
  std::vector<std::string> shielded;
  for (const std::string& word : words) AddShielded(word, &shielded);
  // CLI11 wants the last word first.
  std::reverse(shielded.begin(), shielded.end());
  app->parse(std::move(shielded));
}

std::string ParseErrorText(const CLI::App& app, const CLI::ParseError& error) {
  std::string call;
  const CLI::App* at = Reached(app, &call);
  const std::vector<std::string> left = app.remaining(true);
  std::string text = absl::StrReplaceAll(
      error.what(), {{std::string(1, kShield), std::string()}});
  if (!left.empty()) {
    const std::string word = Unshielded(left.front());
    const std::vector<std::string> commands = Commands(*at);
    if (absl::StartsWith(word, "-") && word.size() > 1) {
      const std::string name = word.substr(0, word.find('='));
      text =
          absl::StrCat("unknown option ", name, DidYouMean(name, Options(at)),
                       " (a value that begins with - stands behind --)");
    } else if (!commands.empty()) {
      text = absl::StrCat("unknown command \"", word, "\"",
                          DidYouMean(word, commands));
    }
  }
  return InertLines(
      absl::StrCat("tauctl: ", text, "\nSee `", call, " --help`."));
}

std::string Nearest(absl::string_view word,
                    const std::vector<std::string>& candidates) {
  std::string nearest;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  if (word.size() > 64) return nearest;
  for (const std::string& candidate : candidates) {
    // Who stops typing in the middle of a long name means it, too.
    const bool begun = word.size() >= 3 && absl::StartsWith(candidate, word);
    const size_t slips = begun ? 1 : Slips(word, candidate);
    if (slips >= least) continue;
    least = slips;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace taud::cli
