#ifndef TAUD_MODEL_STATE_H_
#define TAUD_MODEL_STATE_H_

#include "model/catalogue.h"
#include "model/dictionary.h"
#include "model/interactions.h"
#include "model/user_properties.h"

namespace taud::model {

// Everything the daemon knows besides the learnt model, in memory. Filled and
// kept up to date by the store's one writer thread; read by any thread.
// Owned by the daemon, outlives every room that holds a pointer to it.
struct State {
  Dictionary users;
  Dictionary items;
  Catalogue catalogue;
  UserProperties user_properties;
  Interactions interactions;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_STATE_H_
