#ifndef TAUD_SERVER_API_PAGE_ASSETS_H_
#define TAUD_SERVER_API_PAGE_ASSETS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace taud::server {

// A file of the dashboard, compiled in (cmake/TaudPage.cmake). Constant.
struct PageAsset {
  const char* path;  // "/", "/app.js", …
  const char* type;
  absl::string_view bytes;
};

absl::Span<const PageAsset> PageAssets();

}  // namespace taud::server

#endif  // TAUD_SERVER_API_PAGE_ASSETS_H_
