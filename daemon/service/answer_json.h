// TLSA answers as JSON, for whoever shows them: the explanation of a verdict, the control socket. Pure.
#pragma once

#include "daemon/core/tlsa_answer.h"

#include <nlohmann/json_fwd.hpp>

namespace danegate::service {

/// Keys: state, ttl (null where it means nothing), why, wildcard, malformed, records.
nlohmann::ordered_json answer_as_json(const core::TlsaAnswer& answer);

/// Text for a reply or a terminal, in one line with its end. What is no UTF-8 is replaced, not refused.
std::string json_line(const nlohmann::ordered_json& object);

} // namespace danegate::service
