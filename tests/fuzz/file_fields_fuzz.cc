// What the readers of files make of a line, and what is shown of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/files/columns.h"
#include "cli/files/csv.h"
#include "cli/files/field_values.h"
#include "cli/files/file_signatures.h"
#include "cli/files/json_fields.h"
#include "cli/files/layout.h"
#include "cli/files/rating_scale.h"
#include "cli/terminal/output.h"
#include "model/check.h"
#include "model/utf8.h"

namespace {

using namespace taud::cli;

// As RecordReader does: lines are joined while a quote is open.
void CheckCsv(const std::string& text) {
  const std::string half = text.substr(0, text.size() / 2);
  const std::vector<std::string> fields = {text, half, ""};
  const std::string record =
      absl::StrCat(CsvField(text), ",", CsvField(half), ",");
  CsvRecord reader(',');
  bool whole = false;
  std::string end;
  for (const absl::string_view line : absl::StrSplit(record, '\n')) {
    TAUD_CHECK(!whole);
    const auto added = reader.Add(absl::StrCat(end, line));
    TAUD_CHECK(added.ok());
    whole = *added;
    end = "\n";
  }
  TAUD_CHECK(whole && reader.fields() == fields);
}

void CheckShown(const std::string& text) {
  const std::string inert = Inert(text);
  TAUD_CHECK(taud::model::IsUtf8(inert));
  for (const char c : inert) {
    TAUD_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }
  Table table({"a", ">b"});
  table.AddRow({text, text});
  (void)table.ToString();
}

void CheckLine(const std::string& line) {
  std::vector<std::string> fields;
  if (SplitCsv(line, GuessSeparator(line), &fields).ok()) {
    (void)MapColumns(fields, {});
  }
  const auto object = ParseJsonFields(line);
  if (object.ok()) TAUD_CHECK(taud::model::IsUtf8(line));
  const auto ms = ParseTimeMs(line);
  if (ms.ok()) TAUD_CHECK(*ms >= 0);
  const auto weight = ParseWeight(line);
  if (weight.ok()) TAUD_CHECK(*ParseWeight(WeightText(*weight)) == *weight);
  const auto rating = ParseRating(line);
  if (rating.ok()) {
    RatingSample sample;
    sample.Add(*rating);
    const auto scale = GuessScale(sample, 0);
    if (scale.ok()) TAUD_CHECK(KindOfRating(*rating, *scale).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  CheckCsv(bytes);
  CheckShown(bytes);
  (void)CheckSignature(bytes);
  std::vector<absl::string_view> lines;
  for (const absl::string_view line : absl::StrSplit(bytes, '\n')) {
    CheckLine(std::string(line));
    lines.push_back(line);
  }
  (void)GuessFormat(lines);
  return 0;
}
