#include "agent/values/digest.h"

#include "agent/core/counting.h"
#include "tests/catch.h"

TEST_CASE("SHA-256 gives FIPS 180's own answers") {
  CHECK(agent::sha256_hex("") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(agent::sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(agent::sha256_hex(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("recipients are told apart without regard to ASCII case") {
  CHECK(agent::recipient_digest("A@B.example") == agent::recipient_digest("a@b.EXAMPLE"));
  CHECK(agent::recipient_digest("a@b.example") != agent::recipient_digest("a@b.example "));
  CHECK(agent::recipient_digest("") != 0);
}
