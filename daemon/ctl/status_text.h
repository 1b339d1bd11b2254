// What the daemon says about itself, for people: its JSON (service/status.h, control.h) as a few lines. Pure.
//
// Keys that are missing, because the daemon is an older or newer one, are shown as nothing. What stands there may come
// from zones and peers: only printable ASCII gets through.
#pragma once

#include "daemon/ctl/terminal.h"

#include <iosfwd>
#include <string>

namespace danegate::ctl {

/// In colour: what an operator should look at, and how the last reload went.
std::string status_as_text(const std::string& json, const Style& style);
std::string cache_as_text(const std::string& json);
std::string flushed_as_text(const std::string& json);

/// "reloaded" to `out`; warnings, and what is wrong, a line each, to `err`.
void tell_reload(const std::string& json, std::ostream& out, std::ostream& err);

/// "3 d 4 h", "12 min 5 s": the two largest units.
std::string duration_text(long long seconds);

} // namespace danegate::ctl
