// The argument of MAIL and RCPT as a milter gets it, `<@route:"local part"@domain>`, without brackets, route and
// quotes. Pure.
#pragma once

#include <string>
#include <string_view>

namespace danegate::milter {

/// "" for the null path. What is not a path comes out as it went in, brackets apart.
std::string mailbox_of(std::string_view path);

} // namespace danegate::milter
