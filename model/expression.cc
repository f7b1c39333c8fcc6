#include "model/expression.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "model/property.h"
#include "model/utf8.h"

namespace taud::model {
namespace {

constexpr size_t kMaxShown = 24;

struct Token {
  enum class Type { kEnd, kName, kNumber, kText, kSymbol };
  Type type = Type::kEnd;
  size_t at = 0;           // bytes from the beginning
  absl::string_view seen;  // as it stands in the expression
  std::string text;        // of a text, without quotes
  double number = 0;
};

bool IsWordByte(char c) { return absl::ascii_isalnum(c) || c == '_'; }

std::optional<int64_t> TimeOf(const std::string& text) {
  for (const char* format :
       {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%d%ET%H:%M:%E*S%Ez"}) {
    absl::Time time;
    std::string error;
    if (absl::ParseTime(format, text, &time, &error)) {
      return absl::ToUnixMillis(time);
    }
  }
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<Expression> Parse() {
    if (text_.size() > kMaxExpressionBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("has ", text_.size(), " bytes; at most ",
                       kMaxExpressionBytes, " are allowed"));
    }
    if (!IsUtf8(text_)) return absl::InvalidArgumentError("is not UTF-8");
    Advance();
    Expression whole = Or(1);
    if (status_.ok() && token_.type != Token::Type::kEnd) {
      Expected("`and`, `or` or the end");
    }
    if (!status_.ok()) return status_;
    return whole;
  }

 private:
  // --- what is wrong ---

  void Fail(size_t at, absl::string_view what) {
    if (!status_.ok()) return;
    // People count characters.
    const auto characters = static_cast<size_t>(
        std::count_if(text_.begin(), text_.begin() + static_cast<long>(at),
                      [](char c) { return (c & 0xc0) != 0x80; }));
    status_ = absl::InvalidArgumentError(
        absl::StrCat("character ", characters + 1, ": ", what));
  }

  void Expected(absl::string_view what) {
    if (token_.type == Token::Type::kEnd) {
      return Fail(token_.at,
                  absl::StrCat("expected ", what, ", found the end"));
    }
    absl::string_view shown = token_.seen;
    bool cut = false;
    while (shown.size() > kMaxShown || (cut && !IsUtf8(shown))) {
      shown.remove_suffix(1);
      cut = true;
    }
    Fail(token_.at,
         absl::StrCat("expected ", what, ", found `", shown, cut ? "…`" : "`"));
  }

  // --- tokens ---

  void Advance() {
    while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
    token_ = Token();
    token_.at = at_;
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    if (absl::ascii_isalpha(c) || c == '_') return TakeName();
    if (absl::ascii_isdigit(c) || c == '-' || c == '+') return TakeNumber();
    if (c == '"' || c == '\'') return TakeText(c);
    token_.type = Token::Type::kSymbol;
    static constexpr absl::string_view kPairs[] = {
        "==", "!=", "<=", ">=", "&&", "||", ".."};
    size_t length = 1;
    for (const absl::string_view pair : kPairs) {
      if (absl::StartsWith(text_.substr(at_), pair)) length = 2;
    }
    // A character of several bytes is shown as one.
    while (at_ + length < text_.size() &&
           (text_[at_ + length] & 0xc0) == 0x80) {
      ++length;
    }
    token_.seen = text_.substr(at_, length);
    at_ += length;
  }

  void TakeName() {
    size_t end = at_;
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    token_.type = Token::Type::kName;
    token_.seen = text_.substr(at_, end - at_);
    at_ = end;
  }

  void TakeNumber() {
    size_t end = at_;
    const auto digits = [&] {
      while (end < text_.size() && absl::ascii_isdigit(text_[end])) ++end;
    };
    if (text_[end] == '-' || text_[end] == '+') ++end;
    digits();
    // Two dots are a range and not the end of a number.
    if (end + 1 < text_.size() && text_[end] == '.' &&
        absl::ascii_isdigit(text_[end + 1])) {
      ++end;
      digits();
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      ++end;
      if (end < text_.size() && (text_[end] == '-' || text_[end] == '+')) ++end;
      digits();
    }
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    token_.type = Token::Type::kNumber;
    token_.seen = text_.substr(at_, end - at_);
    at_ = end;
    if (!absl::SimpleAtod(token_.seen, &token_.number) ||
        !std::isfinite(token_.number)) {
      Expected("a number");
    }
  }

  void TakeText(char quote) {
    size_t end = at_ + 1;
    for (; end < text_.size() && text_[end] != quote; ++end) {
      if (text_[end] == '\\' && end + 1 < text_.size()) ++end;
      token_.text.push_back(text_[end]);
    }
    token_.type = Token::Type::kText;
    if (end >= text_.size()) {
      token_.seen = text_.substr(at_);
      Fail(at_, absl::StrCat("the text that begins here has no closing ",
                             std::string(1, quote)));
      at_ = text_.size();
      return;
    }
    token_.seen = text_.substr(at_, end + 1 - at_);
    at_ = end + 1;
  }

  bool Is(absl::string_view symbol) const {
    return token_.type == Token::Type::kSymbol && token_.seen == symbol;
  }
  bool IsWord(absl::string_view word) const {
    return token_.type == Token::Type::kName &&
           absl::EqualsIgnoreCase(token_.seen, word);
  }
  bool TakeIf(bool is) {
    if (is) Advance();
    return is;
  }

  // --- the grammar; `depth` of parentheses, nots and lists of terms ---

  Expression Or(size_t depth) { return Chain(Expression::Kind::kOr, depth); }

  Expression Chain(Expression::Kind kind, size_t depth) {
    const bool is_or = kind == Expression::Kind::kOr;
    Expression first =
        is_or ? Chain(Expression::Kind::kAnd, depth) : Not(depth);
    Expression chain;
    chain.kind = kind;
    while (status_.ok() && TakeIf(is_or ? Is("||") || IsWord("or")
                                        : Is("&&") || IsWord("and"))) {
      if (chain.children.empty()) chain.children.push_back(std::move(first));
      chain.children.push_back(is_or ? Chain(Expression::Kind::kAnd, depth)
                                     : Not(depth));
    }
    return chain.children.empty() ? first : chain;
  }

  Expression Not(size_t depth) {
    Expression made;
    if (depth > kMaxExpressionDepth) {
      Fail(token_.at, absl::StrCat("more than ", kMaxExpressionDepth,
                                   " levels of parentheses and `not`"));
      return made;
    }
    if (TakeIf(Is("!") || IsWord("not"))) {
      made.kind = Expression::Kind::kNot;
      made.children.push_back(Not(depth + 1));
      return made;
    }
    if (TakeIf(Is("("))) {
      made = Or(depth + 1);
      if (status_.ok() && !TakeIf(Is(")"))) Expected("`)`, `and` or `or`");
      return made;
    }
    made.term = Comparison();
    return made;
  }

  std::string Property() {
    std::string name(token_.seen);
    const bool good = token_.type == Token::Type::kName &&
                      (name == kTagsProperty || CheckPropertyName(name).ok());
    if (!good) {
      Expected("the name of a property");
      return name;
    }
    Advance();
    return name;
  }

  Term Comparison() {
    Term term;
    if (++terms_ > kMaxExpressionTerms) {
      Fail(token_.at,
           absl::StrCat("more than ", kMaxExpressionTerms, " comparisons"));
      return term;
    }
    if (TakeIf(IsWord("exists"))) {
      term.op = Term::Op::kExists;
      if (!TakeIf(Is("("))) Expected("`(`");
      if (status_.ok()) term.property = Property();
      if (status_.ok() && !TakeIf(Is(")"))) Expected("`)`");
      return term;
    }
    if (token_.type == Token::Type::kName) {
      term.property = Property();
    } else {
      Expected("the name of a property, `not` or `(`");
    }
    if (status_.ok()) Operator(&term);
    return term;
  }

  void Operator(Term* term) {
    static constexpr struct {
      absl::string_view symbol;
      Term::Op op;
    } kOperators[] = {
        {"==", Term::Op::kEqual},    {"=", Term::Op::kEqual},
        {"!=", Term::Op::kNotEqual}, {"<=", Term::Op::kLessEqual},
        {"<", Term::Op::kLess},      {">=", Term::Op::kGreaterEqual},
        {">", Term::Op::kGreater},
    };
    for (const auto& known : kOperators) {
      if (!TakeIf(Is(known.symbol))) continue;
      term->op = known.op;
      return Value(term);
    }
    if (TakeIf(IsWord("not"))) {
      term->op = Term::Op::kNotIn;
      if (!TakeIf(IsWord("in"))) return Expected("`in`");
      return List(term);
    }
    if (TakeIf(IsWord("in"))) {
      term->op = Term::Op::kIn;
      if (Is("[")) return List(term);
      term->op = Term::Op::kRange;
      Value(term, "`[` or a value");
      if (status_.ok() && !TakeIf(Is(".."))) return Expected("`..`");
      return Value(term);
    }
    const bool ends = token_.type == Token::Type::kEnd || Is(")") || Is("&&") ||
                      Is("||") || IsWord("and") || IsWord("or");
    if (!ends || term->property == kTagsProperty) {
      return Expected("==, !=, <, <=, >, >=, in or `not in`");
    }
    term->op = Term::Op::kIsTrue;
  }

  void List(Term* term) {
    if (!TakeIf(Is("["))) return Expected("`[`");
    if (TakeIf(Is("]"))) return;
    do {
      Value(term);
    } while (status_.ok() && TakeIf(Is(",")));
    if (status_.ok() && !TakeIf(Is("]"))) Expected("`,` or `]`");
  }

  void Value(Term* term, absl::string_view what =
                             "a number, a text in quotes, true or "
                             "false") {
    if (!status_.ok()) return;
    if (++values_ > kMaxExpressionValues) {
      return Fail(token_.at,
                  absl::StrCat("more than ", kMaxExpressionValues, " values"));
    }
    Term::Value value;
    if (token_.type == Token::Type::kNumber) {
      value.number = token_.number;
      if (std::abs(value.number) < 9e15) {
        value.time_ms = static_cast<int64_t>(value.number);
      }
    } else if (token_.type == Token::Type::kText) {
      value.type = Term::Value::Type::kText;
      value.text = token_.text;
      value.time_ms = TimeOf(value.text);
    } else if (IsWord("true") || IsWord("false")) {
      value.type = Term::Value::Type::kFlag;
      value.flag = IsWord("true");
    } else {
      return Expected(what);
    }
    term->values.push_back(std::move(value));
    Advance();
  }

  const absl::string_view text_;
  size_t at_ = 0;
  Token token_;
  size_t terms_ = 0;
  size_t values_ = 0;
  absl::Status status_;
};

void Collect(const Expression& expression, std::vector<std::string>* properties,
             std::vector<std::string>* tags) {
  for (const Expression& child : expression.children) {
    Collect(child, properties, tags);
  }
  if (expression.kind != Expression::Kind::kTerm) return;
  if (expression.term.property != kTagsProperty) {
    properties->push_back(expression.term.property);
    return;
  }
  for (const Term::Value& value : expression.term.values) {
    if (value.type == Term::Value::Type::kText) tags->push_back(value.text);
  }
}

}  // namespace

absl::StatusOr<Expression> ParseExpression(absl::string_view text) {
  return Parser(text).Parse();
}

void CollectNames(const Expression& expression,
                  std::vector<std::string>* properties,
                  std::vector<std::string>* tags) {
  properties->clear();
  tags->clear();
  Collect(expression, properties, tags);
  for (std::vector<std::string>* names : {properties, tags}) {
    std::sort(names->begin(), names->end());
    names->erase(std::unique(names->begin(), names->end()), names->end());
  }
}

}  // namespace taud::model
