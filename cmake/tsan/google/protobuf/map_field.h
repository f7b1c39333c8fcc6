// Protobuf's map fields have two members more under ThreadSanitizer, which the
// library of Debian, compiled without it, knows nothing of. In front of the
// others in a build with it: their layout is that of the library.
#pragma GCC system_header
#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
