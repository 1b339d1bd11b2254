#include "daemon/core/tlsa_record.h"

#include "tests/core/tlsa_vectors.h"
#include "tests/support/catch.h"

using namespace danegate::core;
using namespace danegate::test;

TEST_CASE("TlsaRecord: every record that a third-party tool made survives the way through rdata") {
  for (const auto& [tool, credential, record] : record_vectors()) {
    INFO(tool << ' ' << credential << ' ' << record.summary());
    Bytes rdata{record.usage, record.selector, record.matching};
    rdata.insert(rdata.end(), record.data.begin(), record.data.end());
    const auto read = TlsaRecord::from_rdata(rdata);
    REQUIRE(read);
    CHECK(*read == record);
    CHECK_FALSE(read->malformed());
  }
}

TEST_CASE("TlsaRecord: rdata that holds no record") {
  for (const auto& rdata : {Bytes{}, Bytes{3}, Bytes{3, 1}, Bytes{3, 1, 1}}) {
    INFO(rdata.size() << " octets");
    CHECK_FALSE(TlsaRecord::from_rdata(rdata));
  }
  CHECK(TlsaRecord::from_rdata(Bytes{3, 1, 1, 0})); // it can be read, and is malformed
}

TEST_CASE("TlsaRecord: lengths that its matching type does not have") {
  struct Case {
    const char* label;
    std::uint8_t matching;
    std::size_t length;
    bool malformed;
  };

  for (const auto& [label, matching, length, malformed] : {
           Case{"SHA-256", TlsaRecord::sha2_256, 32, false},
           Case{"SHA-256, an octet short", TlsaRecord::sha2_256, 31, true},
           Case{"SHA-256, an octet long", TlsaRecord::sha2_256, 33, true},
           Case{"SHA-512 under SHA-256", TlsaRecord::sha2_256, 64, true},
           Case{"SHA-512", TlsaRecord::sha2_512, 64, false},
           Case{"SHA-512, an octet short", TlsaRecord::sha2_512, 63, true},
           Case{"SHA-512, an octet long", TlsaRecord::sha2_512, 65, true},
           Case{"SHA-256 under SHA-512", TlsaRecord::sha2_512, 32, true},
           Case{"full, one octet", TlsaRecord::full, 1, false},
           Case{"full, nothing", TlsaRecord::full, 0, true},
           Case{"unknown type, any length", 3, 7, false},
       }) {
    INFO(label);
    CHECK(TlsaRecord{3, 1, matching, Bytes(length, 0xab)}.malformed() == malformed);
  }
}

TEST_CASE("TlsaRecord: summaries for the log") {
  struct Case {
    const char* text;
    const char* summary;
  };

  for (const auto& [text, summary] : {
           Case{"3 1 1 3e98112233445566778899aabbccddeeff00112233445566778899aabbccdda43f", "3 1 1 3e98…a43f"},
           Case{"255 0 255 0102030405", "255 0 255 0102…0405"},
           Case{"3 1 0 01020304", "3 1 0 01020304"},
           Case{"3 1 0 01", "3 1 0 01"},
       }) {
    CHECK(parse_record(text).summary() == summary);
  }
}
