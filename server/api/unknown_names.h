#ifndef TAUD_SERVER_API_UNKNOWN_NAMES_H_
#define TAUD_SERVER_API_UNKNOWN_NAMES_H_

#include <string>

#include "model/catalogue.h"
#include "model/expression.h"
#include "taud/v1/types.pb.h"

namespace taud::server {

inline constexpr int kMaxUnknownNamed = 20;  // of each kind

// Gathers what a request names and nothing is known of. One thread's.
class UnknownNames {
 public:
  // `catalogue` outlives it.
  explicit UnknownNames(const model::Catalogue* catalogue)
      : catalogue_(catalogue) {}

  // One that is known to be unknown.
  void AddItem(const std::string& id);
  // These ask the catalogue.
  void CheckTag(const std::string& tag);
  void CheckExpression(const model::Expression& expression);

  bool empty() const { return names_.count() == 0; }
  const v1::UnknownNames& names() const { return names_; }

 private:
  void Add(const std::string& name,
           google::protobuf::RepeatedPtrField<std::string>* to);

  const model::Catalogue* const catalogue_;
  v1::UnknownNames names_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_UNKNOWN_NAMES_H_
