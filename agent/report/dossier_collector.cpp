#include "agent/report/dossier_collector.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "agent/archive/interrupt.h"
#include "agent/core/counting.h"

namespace agent {
namespace {

constexpr std::size_t kMaxOwners = 500'000;

std::optional<std::string> digest_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!file || context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return std::nullopt;
  }
  std::vector<char> buffer(std::size_t{256} * 1024);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), file.gcount() > 0) {
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(file.gcount()));
    if (Interrupt::requested()) return std::nullopt;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace

DossierCollector::DossierCollector(ReadPlan& plan)
    : plan_(plan), attribution_(plan.config, plan.options.own, plan.options.tables) {
  plan.options.submissions = true;
}

Dossier& DossierCollector::add(IdentityKind kind, const std::string& identity) {
  const auto key = subject_key(kind, identity);
  const auto known = by_key_.find(key);
  if (known != by_key_.end()) return *known->second;
  const auto& rules = plan_.config.rules;
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const Rule& one) { return one.identity == kind; });
  auto& dossier = *dossiers_.emplace_back(
      std::make_unique<Dossier>(kind, identity, rule == rules.end() ? nullptr : &*rule));
  by_key_.emplace(key, &dossier);
  if (is_by_address(kind) && identity.find('/') != std::string::npos) {
    if (const auto network = Network::parse(identity)) networks_.emplace_back(*network, &dossier);
  }
  return dossier;
}

template <class Do>
void DossierCollector::each(IdentityKind kind, std::string_view identity, const Do& act) {
  const auto found = by_key_.find(subject_key(kind, identity));
  if (found != by_key_.end()) act(*found->second);
  if (!is_by_address(kind) || networks_.empty()) return;
  const auto address = IpAddress::parse(identity);
  for (const auto& [network, dossier] : networks_) {
    if (address && network.contains(*address)) act(*dossier);
  }
}

ReadHooks DossierCollector::hooks() {
  ReadHooks hooks;
  hooks.prepare = [this](Pipeline& pipeline) {
    pipeline.on_signal([this](const Signalled& signalled) {
      const auto kind = identity_of(signalled.charge.verdict);
      if (!kind) return;
      each(*kind, signalled.charge.identity, [&](Dossier& dossier) { dossier.signal(signalled); });
    });
    pipeline.on_arrival([this](Instant time, const std::string& file, std::string_view message_id,
                               const parsers::Arrival& arrival) {
      if (!plan_.selection.holds(time)) return;
      const auto charge = attribution_.charge(arrival);
      const auto kind = identity_of(charge.verdict);
      if (!kind) return;
      if (owners_.size() >= kMaxOwners) owners_.clear();
      each(*kind, charge.identity, [&](Dossier& dossier) {
        dossier.arrival(time, file, message_id, arrival);
        owners_[std::string(message_id)].push_back(&dossier);
      });
    });
    pipeline.on_decision([this](Decision&& decision) {
      // Of a relay host, also what was decided on the network that a rule counts it in.
      const auto network = is_by_address(decision.identity_kind) ? Network::parse(decision.identity)
                                                                 : std::optional<Network>();
      for (const auto& dossier : dossiers_) {
        if (dossier->kind() != decision.identity_kind) continue;
        const auto address = network ? IpAddress::parse(dossier->identity()) : std::nullopt;
        if (folded(dossier->identity()) == folded(decision.identity) ||
            (address && network->contains(*address))) {
          dossier->decision(decision);
        }
      }
    });
  };
  hooks.file = [this](std::size_t log, const std::string& name, const FilePlace& from) {
    readers_.try_emplace(log, plan_.options.not_after)
        .first->second.start_file(name, from.offset, from.line);
  };
  hooks.bytes = [this](std::size_t log, std::span<const char> bytes) {
    readers_.try_emplace(log, plan_.options.not_after)
        .first->second.feed(bytes, [this](const Entry& entry) {
          const auto owners = owners_.find(entry.prefix.message_id);
          if (owners == owners_.end()) return;
          for (auto* dossier : owners->second) dossier->entry(entry);
          if (entry.prefix.payload.starts_with("Completed")) owners_.erase(owners);
        });
  };
  return hooks;
}

std::map<std::string, std::string> digests_of(const std::set<std::string>& shown) {
  std::map<std::string, std::string> digests;
  for (const auto& name : shown) {
    std::error_code ignored;
    auto path = name;
    if (!std::filesystem::exists(path, ignored)) path.erase(0, path.find(':') + 1);
    if (!std::filesystem::is_regular_file(path, ignored)) continue;
    if (auto digest = digest_of(path)) digests.emplace(name, std::move(*digest));
  }
  return digests;
}

}  // namespace agent
