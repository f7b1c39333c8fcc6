#include "store/log/default_environment.h"

namespace taud::store {

rocksdb::Env* DefaultEnvironment() { return rocksdb::Env::Default(); }

}  // namespace taud::store
