#include "model/item_columns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "model/number_bits.h"

namespace taud::model {
namespace {

// Of a text, besides its bytes.
constexpr size_t kTextBytes = 96;
constexpr size_t kListBytes = 48;

// Of `value` and what it is compared with, where both have an order.
template <typename T>
bool Compare(Term::Op op, const T& value, const T& with) {
  switch (op) {
    case Term::Op::kEqual:
      return value == with;
    case Term::Op::kNotEqual:
      return value != with;
    case Term::Op::kLess:
      return value < with;
    case Term::Op::kLessEqual:
      return value <= with;
    case Term::Op::kGreater:
      return value > with;
    case Term::Op::kGreaterEqual:
      return value >= with;
    default:
      return false;
  }
}

bool IsNegative(Term::Op op) {
  return op == Term::Op::kNotEqual || op == Term::Op::kNotIn;
}

// What a comparison with numbers is as a range; nothing for another one.
std::optional<std::pair<double, double>> RangeOf(
    Term::Op op, const std::vector<double>& numbers) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (op == Term::Op::kRange && numbers.size() == 2) {
    return std::pair(numbers[0], numbers[1]);
  }
  if (numbers.size() != 1) return std::nullopt;
  const double with = numbers[0];
  switch (op) {
    case Term::Op::kEqual:
      return std::pair(with, with);
    case Term::Op::kLess:
      return std::pair(-kInfinity, std::nextafter(with, -kInfinity));
    case Term::Op::kLessEqual:
      return std::pair(-kInfinity, with);
    case Term::Op::kGreater:
      return std::pair(std::nextafter(with, kInfinity), kInfinity);
    case Term::Op::kGreaterEqual:
      return std::pair(with, kInfinity);
    default:
      return std::nullopt;
  }
}

}  // namespace

// Of 64 items, those whose number is in the range; false if one has a value of
// another type.
bool ItemColumns::ScanRange(const Type* types, const uint64_t* values,
                            std::pair<double, double> range, uint64_t* bits) {
  bool others = false;
  uint64_t inside = 0;
  for (size_t i = 0; i < 64; ++i) {
    const double value = NumberOf(values[i]);
    const bool number = types[i] == Type::kNumber;
    others |= !number && types[i] != Type::kNone;
    inside |= uint64_t{number && value >= range.first && value <= range.second}
              << i;
  }
  *bits = inside;
  return !others;
}

TextPool::TextId TextPool::Take(absl::string_view text) {
  const auto known = ids_.find(text);
  if (known != ids_.end()) {
    ++entries_[known->second].uses;
    return known->second;
  }
  TextId id = 0;
  if (free_.empty()) {
    id = static_cast<TextId>(entries_.size());
    entries_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  entries_[id].text = std::make_unique<std::string>(text);
  entries_[id].uses = 1;
  ids_.emplace(*entries_[id].text, id);
  bytes_ += kTextBytes + text.size();
  return id;
}

void TextPool::Give(TextId id) {
  Entry& entry = entries_[id];
  if (--entry.uses > 0) return;
  bytes_ -= kTextBytes + entry.text->size();
  ids_.erase(*entry.text);
  entry.text = nullptr;
  free_.push_back(id);
}

std::optional<TextPool::TextId> TextPool::Find(absl::string_view text) const {
  const auto it = ids_.find(text);
  if (it == ids_.end()) return std::nullopt;
  return it->second;
}

// A term's values: of each type those it can be equal to or be compared with.
struct ItemColumns::Bound {
  Term::Op op = Term::Op::kEqual;
  const Column* column = nullptr;  // null: no item has the property
  bool of_tags = false;
  std::vector<double> numbers;
  // Where it asks for numbers of a range only, both ends included.
  std::optional<std::pair<double, double>> range;
  std::vector<int64_t> times;
  std::vector<bool> flags;
  std::vector<std::string> texts;
  std::vector<TextPool::TextId> text_ids;  // ascending; those that are known
  std::vector<const ItemSet*> tag_sets;    // likewise
  Bitmap tagged;  // of all tag_sets, when asked by page
};

struct ItemColumns::Node {
  Expression::Kind kind = Expression::Kind::kTerm;
  std::vector<Node> children;
  Bound term;
};

ItemColumns::Type ItemColumns::TypeOf(const PropertyValue& value) {
  // In the order of the variant.
  return static_cast<Type>(value.index() + 1);
}

uint64_t ItemColumns::Encode(const PropertyValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return texts_.Take(*text);
  }
  if (const auto* number = std::get_if<double>(&value)) return BitsOf(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  if (const auto* time = std::get_if<PropertyTime>(&value)) {
    return static_cast<uint64_t>(time->unix_ms);
  }
  std::vector<TextPool::TextId> list;
  for (const auto& text : std::get<std::vector<std::string>>(value)) {
    list.push_back(texts_.Take(text));
  }
  bytes_ += kListBytes + list.capacity() * sizeof(list[0]);
  if (free_lists_.empty()) {
    lists_.push_back(std::move(list));
    return lists_.size() - 1;
  }
  const size_t place = free_lists_.back();
  free_lists_.pop_back();
  lists_[place] = std::move(list);
  return place;
}

void ItemColumns::Release(Type type, uint64_t value) {
  if (type == Type::kText) texts_.Give(static_cast<TextPool::TextId>(value));
  if (type != Type::kTexts) return;
  std::vector<TextPool::TextId>& list = lists_[value];
  for (const TextPool::TextId text : list) texts_.Give(text);
  bytes_ -= kListBytes + list.capacity() * sizeof(list[0]);
  list = {};
  free_lists_.push_back(value);
}

void ItemColumns::SetOne(ItemIndex item, absl::string_view name,
                         const PropertyValue* before,
                         const PropertyValue* after) {
  const size_t page_at = item / kPageItems;
  const size_t slot = item % kPageItems;
  auto it = by_name_.find(name);
  if (it == by_name_.end()) it = by_name_.try_emplace(std::string(name)).first;
  Column& column = it->second;
  if (column.pages.size() <= page_at) column.pages.resize(page_at + 1);
  std::unique_ptr<Page>& page = column.pages[page_at];
  if (page == nullptr) {
    page = std::make_unique<Page>();
    bytes_ += sizeof(Page);
  }
  if (before != nullptr) {
    Release(page->types[slot], page->values[slot]);
    page->types[slot] = Type::kNone;
    --page->used;
    --column.used;
  }
  if (after != nullptr) {
    page->values[slot] = Encode(*after);
    page->types[slot] = TypeOf(*after);
    ++page->used;
    ++column.used;
  }
  if (page->used == 0) {
    page = nullptr;
    bytes_ -= sizeof(Page);
  }
  if (column.used == 0) by_name_.erase(it);
}

void ItemColumns::Set(ItemIndex item, const Properties& before,
                      const Properties& after) {
  for (const auto& [name, value] : before) {
    if (after.find(name) == after.end()) SetOne(item, name, &value, nullptr);
  }
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    SetOne(item, name, old == before.end() ? nullptr : &old->second, &value);
  }
}

ItemColumns::Node ItemColumns::Bind(const Expression& expression,
                                    const TagIndex& tags) const {
  Node node;
  node.kind = expression.kind;
  for (const Expression& child : expression.children) {
    node.children.push_back(Bind(child, tags));
  }
  if (expression.kind != Expression::Kind::kTerm) return node;
  const Term& term = expression.term;
  Bound& bound = node.term;
  bound.op = term.op;
  bound.of_tags = term.property == kTagsProperty;
  const auto column = by_name_.find(term.property);
  if (column != by_name_.end()) bound.column = &column->second;
  for (const Term::Value& value : term.values) {
    if (value.time_ms.has_value()) bound.times.push_back(*value.time_ms);
    switch (value.type) {
      case Term::Value::Type::kNumber:
        bound.numbers.push_back(value.number);
        break;
      case Term::Value::Type::kFlag:
        bound.flags.push_back(value.flag);
        break;
      case Term::Value::Type::kText:
        bound.texts.push_back(value.text);
        if (const auto id = texts_.Find(value.text)) {
          bound.text_ids.push_back(*id);
        }
        if (!bound.of_tags) break;
        if (const auto tag = tags.Find(value.text)) {
          bound.tag_sets.push_back(&tags.Items(*tag));
        }
    }
  }
  std::sort(bound.text_ids.begin(), bound.text_ids.end());
  bound.range = RangeOf(term.op, bound.numbers);
  return node;
}

bool ItemColumns::TestText(const Bound& term, TextPool::TextId text) const {
  switch (term.op) {
    case Term::Op::kEqual:
    case Term::Op::kIn:
    case Term::Op::kNotEqual:
    case Term::Op::kNotIn:
      return std::binary_search(term.text_ids.begin(), term.text_ids.end(),
                                text) != IsNegative(term.op);
    case Term::Op::kRange:
      return term.texts.size() == 2 && texts_.Text(text) >= term.texts[0] &&
             texts_.Text(text) <= term.texts[1];
    default:
      return term.texts.size() == 1 &&
             Compare(term.op, texts_.Text(text), term.texts[0]);
  }
}

namespace {

// For one value; `values` are those of its type.
template <typename T, typename Values>
bool TestOrdered(Term::Op op, T value, const Values& values) {
  switch (op) {
    case Term::Op::kIn:
    case Term::Op::kNotIn:
      if (values.empty()) return false;
      return (std::find(values.begin(), values.end(), value) != values.end()) !=
             IsNegative(op);
    case Term::Op::kRange:
      return values.size() == 2 && value >= values[0] && value <= values[1];
    default:
      return values.size() == 1 && Compare<T>(op, value, values[0]);
  }
}

}  // namespace

bool ItemColumns::Test(const Bound& term, Type type, uint64_t value) const {
  if (type == Type::kNone) return false;
  if (term.op == Term::Op::kExists) return true;
  switch (type) {
    case Type::kNone:
      return false;
    case Type::kText:
      // What is of another type is neither equal nor unequal.
      return !term.texts.empty() &&
             TestText(term, static_cast<TextPool::TextId>(value));
    case Type::kNumber:
      return TestOrdered(term.op, NumberOf(value), term.numbers);
    case Type::kFlag:
      return term.op == Term::Op::kIsTrue
                 ? value != 0
                 : TestOrdered(term.op, value != 0, term.flags);
    case Type::kTime:
      return TestOrdered(term.op, static_cast<int64_t>(value), term.times);
    case Type::kTexts: {
      if (term.texts.empty()) return false;
      const std::vector<TextPool::TextId>& list = lists_[value];
      const bool any =
          std::any_of(list.begin(), list.end(), [&](TextPool::TextId text) {
            return std::binary_search(term.text_ids.begin(),
                                      term.text_ids.end(), text);
          });
      if (IsNegative(term.op)) return !any;
      return any && (term.op == Term::Op::kEqual || term.op == Term::Op::kIn);
    }
  }
  return false;
}

ItemColumns::Words ItemColumns::EvaluateTerm(const Bound& term, size_t page_at,
                                             const Words& wanted) const {
  Words matching{};
  if (term.of_tags) {
    const std::vector<uint64_t>& tagged = term.tagged.words();
    for (size_t w = 0; w < kPageWords; ++w) {
      const size_t at = page_at * kPageWords + w;
      const uint64_t bits = at < tagged.size() ? tagged[at] : 0;
      matching[w] = wanted[w] & (IsNegative(term.op) ? ~bits : bits);
    }
    return matching;
  }
  if (term.column == nullptr || page_at >= term.column->pages.size()) {
    return matching;
  }
  const Page* page = term.column->pages[page_at].get();
  if (page == nullptr) return matching;
  for (size_t w = 0; w < kPageWords; ++w) {
    if (wanted[w] == 0) continue;
    const Type* types = &page->types[w * 64];
    const uint64_t* values = &page->values[w * 64];
    uint64_t bits = 0;
    if (term.range.has_value() &&
        ScanRange(types, values, *term.range, &bits)) {
      matching[w] = bits & wanted[w];
      continue;
    }
    for (uint64_t left = wanted[w]; left != 0; left &= left - 1) {
      const auto i = static_cast<size_t>(__builtin_ctzll(left));
      bits |= uint64_t{Test(term, types[i], values[i])} << i;
    }
    matching[w] = bits;
  }
  return matching;
}

ItemColumns::Words ItemColumns::Evaluate(const Node& node, size_t page,
                                         const Words& wanted) const {
  const auto none = [](const Words& words) {
    return std::all_of(words.begin(), words.end(),
                       [](uint64_t word) { return word == 0; });
  };
  switch (node.kind) {
    case Expression::Kind::kTerm:
      return EvaluateTerm(node.term, page, wanted);
    case Expression::Kind::kNot: {
      Words words = Evaluate(node.children[0], page, wanted);
      for (size_t w = 0; w < kPageWords; ++w) words[w] = wanted[w] & ~words[w];
      return words;
    }
    case Expression::Kind::kAnd: {
      Words words = wanted;
      for (const Node& child : node.children) {
        if (none(words)) break;
        words = Evaluate(child, page, words);
      }
      return words;
    }
    case Expression::Kind::kOr: {
      Words words{};
      Words left = wanted;
      for (const Node& child : node.children) {
        if (none(left)) break;
        const Words more = Evaluate(child, page, left);
        for (size_t w = 0; w < kPageWords; ++w) {
          words[w] |= more[w];
          left[w] &= ~more[w];
        }
      }
      return words;
    }
  }
  return {};
}

void ItemColumns::Keep(const Expression& expression, const TagIndex& tags,
                       Bitmap* items) const {
  Node node = Bind(expression, tags);
  // Tags are looked up for all items at once.
  std::vector<Node*> left = {&node};
  while (!left.empty()) {
    Node* next = left.back();
    left.pop_back();
    for (Node& child : next->children) left.push_back(&child);
    if (!next->term.of_tags) continue;
    next->term.tagged.Assign(items->size(), false);
    for (const ItemSet* set : next->term.tag_sets) {
      set->OrInto(&next->term.tagged);
    }
  }
  const std::vector<uint64_t>& words = items->words();
  Words wanted{};
  for (size_t page = 0; page * kPageWords < words.size(); ++page) {
    const size_t first = page * kPageWords;
    bool any = false;
    for (size_t w = 0; w < kPageWords; ++w) {
      wanted[w] = first + w < words.size() ? words[first + w] : 0;
      any = any || wanted[w] != 0;
    }
    if (!any) continue;
    const Words kept = Evaluate(node, page, wanted);
    for (size_t w = 0; w < kPageWords && first + w < words.size(); ++w) {
      items->SetWord(first + w, wanted[w] & kept[w]);
    }
  }
}

bool ItemColumns::MatchesTerm(const Bound& term, ItemIndex item) const {
  if (term.of_tags) {
    const bool any =
        std::any_of(term.tag_sets.begin(), term.tag_sets.end(),
                    [item](const ItemSet* set) { return set->Has(item); });
    return any != IsNegative(term.op);
  }
  const size_t page = item / kPageItems;
  if (term.column == nullptr || page >= term.column->pages.size() ||
      term.column->pages[page] == nullptr) {
    return false;
  }
  const Page& there = *term.column->pages[page];
  return Test(term, there.types[item % kPageItems],
              there.values[item % kPageItems]);
}

bool ItemColumns::Matches(const Node& node, ItemIndex item) const {
  if (node.kind == Expression::Kind::kTerm) return MatchesTerm(node.term, item);
  if (node.kind == Expression::Kind::kNot) {
    return !Matches(node.children[0], item);
  }
  const bool ends = node.kind == Expression::Kind::kOr;
  for (const Node& child : node.children) {
    if (Matches(child, item) == ends) return ends;
  }
  return !ends;
}

void ItemColumns::MatchEach(const Expression& expression, const TagIndex& tags,
                            absl::Span<const ItemIndex> items,
                            std::vector<char>* matches) const {
  const Node node = Bind(expression, tags);
  matches->clear();
  for (const ItemIndex item : items) matches->push_back(Matches(node, item));
}

}  // namespace taud::model
