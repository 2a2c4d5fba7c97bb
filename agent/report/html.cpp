#include "agent/report/html.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

#include "agent/printable.h"

namespace agent {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2733;--soft:#5b6b7b;--line:#d8dfe6;--card:#f5f7f9;
--bad:#c0392b;--good:#2470a8;--limit:#a86a00}
@media(prefers-color-scheme:dark){:root{--bg:#12181f;--fg:#e3e9ef;--soft:#97a5b3;--line:#2d3945;
--card:#1a222b;--bad:#f0776a;--good:#6cb4ee;--limit:#e3b341}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1.5rem;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}
h1{font-size:1.5rem;margin:0 0 .2rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:2px solid var(--line);overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.5rem 0 .4rem}
p{margin:.4rem 0;max-width:48rem}.soft{color:var(--soft)}
.cards{display:flex;flex-wrap:wrap;gap:.7rem;margin:1rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .9rem;min-width:8.5rem}
.card b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.card span{color:var(--soft);font-size:.85rem}
.bad b{color:var(--bad)}.good b{color:var(--good)}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.4rem 0}
th,td{text-align:left;padding:.28rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code,pre,.m{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.82rem}
pre{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
.hit{color:var(--bad);font-weight:600}
svg{display:block;width:100%;height:auto;margin:.6rem 0}
svg text{fill:var(--soft);font:12px system-ui,"DejaVu Sans",sans-serif}
.area{fill:var(--bad);fill-opacity:.18;stroke:var(--bad);stroke-width:1.5}
.refused{fill:var(--bad)}.accepted{fill:var(--good)}
.axis{stroke:var(--line)}.limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:6 4}
.moment{stroke:var(--fg);stroke-width:1.5}svg .strong{fill:var(--fg);font-weight:600}svg .lim{fill:var(--limit)}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem;border-top:1px solid var(--line);padding-top:.6rem}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--card:#fff;--bad:#a01c10;--good:#14507c;--limit:#7a4d00}
body{max-width:none;padding:0;font-size:10pt}h2{break-after:avoid}tr,svg,.card{break-inside:avoid}}
)";

std::string style_hash() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(kStyle.data()), kStyle.size(), digest.data());
  std::array<unsigned char, 64> text{};
  EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

std::string html_text(std::string_view bytes, std::size_t columns) {
  std::string out;
  for (const char c : printable(bytes, columns)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'sha256-{}'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<title>{}</title>\n<style>{}</style></head>\n<body>\n{}</body></html>\n",
      style_hash(), html_text(title, 200), kStyle, body);
}

std::string html_table(const std::vector<std::string>& titles,
                       const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<table><thead><tr>";
  for (const auto& title : titles) {
    const bool number = title.starts_with('#');
    out += fmt::format("<th{}>{}</th>", number ? " class=\"n\"" : "", title.substr(number ? 1 : 0));
  }
  out += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += fmt::format("<td{}>{}</td>", titles[i].starts_with('#') ? " class=\"n\"" : "", row[i]);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

}  // namespace agent
