#include "agent/values/network.h"

#include <random>

#include "tests/catch.h"

using agent::IpAddress;
using agent::Network;

TEST_CASE("addresses have one text, however they are spelled") {
  struct Row {
    const char* given;
    const char* text;  // nullptr: no address
  };
  const Row rows[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8::A", "2001:db8::a"},
      {"2001:0db8:0000:0000:0000:0000:0000:000a", "2001:db8::a"},
      {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
      {"fe80::1", "fe80::1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::FFFF:c000:201", "192.0.2.1"},
      {"::192.0.2.1", "::192.0.2.1"},
      {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
      {"", nullptr},
      {"192.0.2", nullptr},
      {"192.0.2.256", nullptr},
      {"192.0.2.1.", nullptr},
      {" 192.0.2.1", nullptr},
      {"192.0.2.1/32", nullptr},
      {"[::1]", nullptr},
      {"fe80::1%eth0", nullptr},
      {"1::2::3", nullptr},
      {"localhost", nullptr},
      {"2001:db8::0000000000000000000000000000000000000000000000000000001", nullptr},
  };
  for (const auto& row : rows) {
    INFO(row.given);
    const auto address = IpAddress::parse(row.given);
    REQUIRE(address.has_value() == (row.text != nullptr));
    if (address) CHECK(address->text() == row.text);
  }
  CHECK_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0", 10)));
}

TEST_CASE("networks: what is one, and what lies in it") {
  struct Row {
    const char* network;
    const char* text;  // nullptr: no network
    std::vector<const char*> inside, outside;
  };
  const Row rows[] = {
      {"192.0.2.0/24",
       "192.0.2.0/24",
       {"192.0.2.0", "192.0.2.255", "::ffff:192.0.2.7"},
       {"192.0.1.255", "192.0.3.0", "::c000:207"}},
      {"192.0.2.64/26",
       "192.0.2.64/26",
       {"192.0.2.64", "192.0.2.127"},
       {"192.0.2.63", "192.0.2.128"}},
      {"192.0.2.1", "192.0.2.1", {"192.0.2.1"}, {"192.0.2.0"}},
      {"192.0.2.1/32", "192.0.2.1", {"192.0.2.1"}, {"192.0.2.2"}},
      {"0.0.0.0/0", "0.0.0.0/0", {"1.2.3.4"}, {"::1"}},
      {"::/0", "::/0", {"::1", "2001:db8::1"}, {"1.2.3.4", "::ffff:1.2.3.4"}},
      {"2001:db8::/32", "2001:db8::/32", {"2001:db8:ffff::"}, {"2001:db9::"}},
      {"2001:DB8:1::/48", "2001:db8:1::/48", {"2001:db8:1:ffff::1"}, {"2001:db8:2::"}},
      {"2001:db8::8/125", "2001:db8::8/125", {"2001:db8::f"}, {"2001:db8::10"}},
      {"::1/128", "::1", {"::1"}, {"::2"}},
      {"::ffff:192.0.2.0/24", "192.0.2.0/24", {"192.0.2.9"}, {}},
      {"10.0.0.1/8", nullptr, {}, {}},
      {"10.0.0.0/33", nullptr, {}, {}},
      {"::/129", nullptr, {}, {}},
      {"10.0.0.0/-1", nullptr, {}, {}},
      {"10.0.0.0/+8", nullptr, {}, {}},
      {"10.0.0.0/", nullptr, {}, {}},
      {"10.0.0.0/8x", nullptr, {}, {}},
      {"10.0.0.0/255.0.0.0", nullptr, {}, {}},
      {"/8", nullptr, {}, {}},
      {"", nullptr, {}, {}},
  };
  for (const auto& row : rows) {
    INFO(row.network);
    const auto network = Network::parse(row.network);
    REQUIRE(network.has_value() == (row.text != nullptr));
    if (!network) continue;
    CHECK(network->text() == row.text);
    CHECK(Network::parse(network->text()) == network);
    for (const auto* address : row.inside) CHECK(network->contains(*IpAddress::parse(address)));
    for (const auto* address : row.outside)
      CHECK_FALSE(network->contains(*IpAddress::parse(address)));
  }
}

TEST_CASE("any address lies in every network around it, and its neighbour beyond does not") {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    IpAddress address;
    address.v6 = round % 2 == 0;
    for (std::size_t i = 0; i < (address.v6 ? 16U : 4U); ++i)
      address.bytes[i] = static_cast<std::uint8_t>(random());
    const int width = address.v6 ? 128 : 32;
    const int prefix = 1 + static_cast<int>(random() % static_cast<unsigned>(width));
    const auto network = Network::around(address, prefix);
    CHECK(network.contains(address));
    CHECK(network.prefix == prefix);
    auto beyond = address;
    const int bit = prefix - 1;
    beyond.bytes[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(0x80 >> (bit % 8));
    CHECK_FALSE(network.contains(beyond));
  }
}
