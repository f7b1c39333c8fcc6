#include "trainer/sampling/random_text.h"

#include <sstream>

namespace taud::trainer {

std::string RandomToText(const std::mt19937_64& random) {
  std::ostringstream text;
  text << random;
  return text.str();
}

bool RandomFromText(const std::string& text, std::mt19937_64* random) {
  std::istringstream stream(text);
  std::mt19937_64 read;
  stream >> read;
  if (stream.fail()) return false;
  *random = read;
  return true;
}

}  // namespace taud::trainer
