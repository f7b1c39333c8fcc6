#ifndef TAUD_MODEL_EXPRESSION_H_
#define TAUD_MODEL_EXPRESSION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// What an item must be like, as text such as
//   price < 20 and genre in ["comedy"] and not sold_out
// The language is told in Filter.expression of the API. Pure.

namespace taud::model {

inline constexpr size_t kMaxExpressionBytes = 4096;
inline constexpr size_t kMaxExpressionDepth = 32;
inline constexpr size_t kMaxExpressionTerms = 64;
inline constexpr size_t kMaxExpressionValues = 1000;

// The property that stands for an item's tags.
inline constexpr absl::string_view kTagsProperty = "tags";

// One comparison of a property.
struct Term {
  enum class Op {
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kIn,
    kNotIn,
    kRange,   // from values[0] to values[1], both included
    kExists,  // no values
    kIsTrue,  // no values
  };
  struct Value {
    enum class Type { kNumber, kText, kFlag };
    Type type = Type::kNumber;
    double number = 0;
    std::string text;
    bool flag = false;
    // What a property that is a time is compared with: of a text that is a
    // date or a time, or of a number (milliseconds).
    std::optional<int64_t> time_ms;
  };
  std::string property;
  Op op = Op::kEqual;
  std::vector<Value> values;
};

struct Expression {
  enum class Kind { kAnd, kOr, kNot, kTerm };
  Kind kind = Kind::kTerm;
  std::vector<Expression> children;  // kNot: one; kTerm: none
  Term term;                         // kTerm
};

// INVALID_ARGUMENT says at which character (counted from 1) what was expected
// and what was found, or which limit was reached.
absl::StatusOr<Expression> ParseExpression(absl::string_view text);

// The properties it names, tags left out, and the tags; distinct, sorted.
void CollectNames(const Expression& expression,
                  std::vector<std::string>* properties,
                  std::vector<std::string>* tags);

}  // namespace taud::model

#endif  // TAUD_MODEL_EXPRESSION_H_
