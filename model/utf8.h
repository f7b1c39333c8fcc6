#ifndef TAUD_MODEL_UTF8_H_
#define TAUD_MODEL_UTF8_H_

#include "absl/strings/string_view.h"

namespace taud::model {

// Whether `text` is well-formed UTF-8: no overlong forms, no surrogates,
// nothing beyond U+10FFFF. Pure; any thread.
bool IsUtf8(absl::string_view text);

}  // namespace taud::model

#endif  // TAUD_MODEL_UTF8_H_
