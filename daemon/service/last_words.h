// What stderr says when std::terminate is called: one line in the log's usual format, so that the reason does not stay
// in a core file nobody keeps.
#pragma once

namespace danegate::service {

/// For std::set_terminate(). Writes only if stderr takes it at once, then aborts.
[[noreturn]] void last_words() noexcept;

} // namespace danegate::service
