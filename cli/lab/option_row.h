#ifndef TAUD_CLI_LAB_OPTION_ROW_H_
#define TAUD_CLI_LAB_OPTION_ROW_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/lab/options.h"
#include "lab/experiment.h"
#include "nlohmann/json.hpp"

namespace taud::cli {

// Values by the names that people write.
template <class Value>
using Names = std::map<std::string, Value>;

template <class Value>
std::vector<std::string> Keys(const Names<Value>& names) {
  std::vector<std::string> keys;
  keys.reserve(names.size());
  for (const auto& [name, value] : names) keys.push_back(name);
  return keys;
}

template <class Value>
std::string NameOf(const Names<Value>& names, Value value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) return name;
  }
  return "?";
}

// One option of the lab, everything about it in one place: its flag, its
// default, what it may be, what it sets of the experiment, how a result names
// it. The table of them is in option_table.cc.
//
// A value that stands for "what the method itself takes" is its nothing
// (OrNothing): it has no default to show and sets nothing.
//
// Built once, then constant.
class LabOption {
 public:
  using Fit = trainer::OfflineFitOptions;
  using Experiment = lab::ExperimentOptions;
  using Json = nlohmann::ordered_json;
  using When = bool (*)(const Experiment&);

  // `field` of LabFlags, its default, and what a person reads about it.
  template <class Value>
  LabOption(std::string flag, Value LabFlags::*field, Value by_default,
            std::string text)
      : flag_(std::move(flag)) {
    set_default_ = [field, by_default](LabFlags* flags) {
      flags->*field = by_default;
    };
    add_ = [flag = flag_, field, text = std::move(text)](CLI::App* command,
                                                         LabFlags* flags) {
      return command->add_option(flag, flags->*field, text);
    };
    value_ = [field](const LabFlags& flags, const Experiment&) {
      return Json(flags.*field);
    };
  }

  // What it may be.
  template <class Bound>
  LabOption& In(Bound least, Bound most) {
    return Check(CLI::Range(least, most));
  }
  LabOption& OneOf(std::vector<std::string> names) {
    return Check(CLI::IsMember(std::move(names)));
  }
  LabOption& Check(CLI::Validator check) {
    return With([check](CLI::Option* option) { option->check(check); });
  }
  // Anything else that CLI11 is to know of it.
  LabOption& With(std::function<void(CLI::Option*)> settings) {
    settings_.push_back(std::move(settings));
    return *this;
  }
  // Its default is shown by --help.
  LabOption& ShowsDefault() {
    return With([](CLI::Option* option) { option->capture_default_str(); });
  }

  // It sets a field of the fit or of the experiment; the second way, unless it
  // is `nothing`, and then after lab::SetDefaults. A result tells what was
  // resolved.
  template <class Value, class Field>
  LabOption& Sets(Value LabFlags::*field, Field Fit::*target) {
    resolve_ = [=](const LabFlags& flags, Experiment* options) {
      options->fit.*target = flags.*field;
    };
    return TellsField(target);
  }
  template <class Value, class Field>
  LabOption& Sets(Value LabFlags::*field, Field Experiment::*target) {
    resolve_ = [=](const LabFlags& flags, Experiment* options) {
      options->*target = flags.*field;
    };
    return *this;
  }
  template <class Value, class Field>
  LabOption& SetsUnless(Value nothing, Value LabFlags::*field,
                        Field Fit::*target) {
    override_ = [=](const LabFlags& flags, Experiment* options) {
      if (flags.*field != nothing) options->fit.*target = flags.*field;
    };
    return TellsField(target);
  }
  template <class Value>
  LabOption& SetsByName(const Names<Value>& names, std::string LabFlags::*field,
                        Value Fit::*target) {
    resolve_ = [&names, field, target](const LabFlags& flags,
                                       Experiment* options) {
      options->fit.*target = names.at(flags.*field);
    };
    return OneOf(Keys(names));
  }
  // Something of its own.
  LabOption& Resolves(
      std::function<void(const LabFlags&, Experiment*)> resolve) {
    resolve_ = std::move(resolve);
    return *this;
  }

  // How a result names it, and when it tells it: only what has an influence.
  LabOption& Told(std::string key, When when = nullptr) {
    return ToldAs(std::move(key), value_, when);
  }
  LabOption& ToldAs(
      std::string key,
      std::function<Json(const LabFlags&, const Experiment&)> value,
      When when = nullptr) {
    return Tells(
        [key = std::move(key), value = std::move(value), when](
            const LabFlags& flags, const Experiment& options, Json* json) {
          if (when == nullptr || when(options)) {
            (*json)[key] = value(flags, options);
          }
        });
  }
  LabOption& Tells(
      std::function<void(const LabFlags&, const Experiment&, Json*)> tell) {
    tell_ = std::move(tell);
    return *this;
  }

  void SetDefault(LabFlags* flags) const { set_default_(flags); }
  void Add(CLI::App* command, LabFlags* flags) const {
    CLI::Option* option = add_(command, flags);
    for (const auto& settings : settings_) settings(option);
  }
  // Before and after lab::SetDefaults.
  void Resolve(const LabFlags& flags, Experiment* options) const {
    if (resolve_) resolve_(flags, options);
  }
  void Override(const LabFlags& flags, Experiment* options) const {
    if (override_) override_(flags, options);
  }
  void Tell(const LabFlags& flags, const Experiment& options,
            Json* json) const {
    if (tell_) tell_(flags, options, json);
  }

 private:
  template <class Field>
  LabOption& TellsField(Field Fit::*target) {
    value_ = [target](const LabFlags&, const Experiment& options) {
      return Json(options.fit.*target);
    };
    return *this;
  }

  std::string flag_;
  std::function<void(LabFlags*)> set_default_;
  std::function<CLI::Option*(CLI::App*, LabFlags*)> add_;
  std::vector<std::function<void(CLI::Option*)>> settings_;
  std::function<void(const LabFlags&, Experiment*)> resolve_, override_;
  std::function<Json(const LabFlags&, const Experiment&)> value_;
  std::function<void(const LabFlags&, const Experiment&, Json*)> tell_;
};

// All of them, in the order of --help.
const std::vector<LabOption>& LabOptionTable();

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_OPTION_ROW_H_
