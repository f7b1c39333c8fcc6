#ifndef TAUD_TRAINER_SAMPLING_RANDOM_TEXT_H_
#define TAUD_TRAINER_SAMPLING_RANDOM_TEXT_H_

#include <random>
#include <string>

namespace taud::trainer {

// The state of a generator as the standard library writes it. Pure.
std::string RandomToText(const std::mt19937_64& random);
// False, and no change, if `text` is no such state.
bool RandomFromText(const std::string& text, std::mt19937_64* random);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_RANDOM_TEXT_H_
