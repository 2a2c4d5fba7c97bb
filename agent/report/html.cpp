#include "agent/report/html.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#fff;--fg:#1a2530;--soft:#56677a;--line:#d9e0e7;--card:#f5f7f9;
--bad:#bf3526;--good:#1f6aa5;--limit:#965d00;--h1:#fdeeec;--h2:#f9d6d1;--h3:#f2b3aa;--h4:#e88a7d;--heat:#1a2530}
@media(prefers-color-scheme:dark){:root{--bg:#11171d;--fg:#e4eaf0;--soft:#98a7b6;--line:#2b3743;
--card:#19212a;--bad:#f2796c;--good:#6fb6f0;--limit:#e3b341;--h1:#2a1d1f;--h2:#442426;--h3:#6a2f2e;--h4:#8f3b37;--heat:#f3e9e8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:66rem;padding:1.75rem 1.5rem 3rem;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.6rem 0 .6rem;padding-bottom:.3rem;border-bottom:2px solid var(--line);overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.7rem 0 .4rem}
p{margin:.4rem 0;max-width:50rem;overflow-wrap:anywhere}.soft{color:var(--soft)}
.lede{font-size:1.05rem;margin:.6rem 0 .2rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.2rem,1fr));gap:.7rem;margin:1rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.55rem .9rem .65rem}
.card b{display:block;font-size:1.4rem;line-height:1.35;font-variant-numeric:tabular-nums;white-space:nowrap}
.card span{display:block;color:var(--soft);font-size:.85rem;line-height:1.3}
.bad b{color:var(--bad)}.good b{color:var(--good)}.lead{border-left:4px solid var(--limit)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:0 2.2rem}.pair>div{min-width:0}
table{border-collapse:collapse;width:100%;font-size:.88rem;margin:.4rem 0}
th,td{text-align:left;padding:.28rem .7rem .28rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th:last-child,td:last-child{padding-right:0}
th{color:var(--soft);font-weight:600;vertical-align:bottom;overflow-wrap:normal}
.n{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}td.n,.k{white-space:nowrap}
.grid td{padding:.3rem .6rem;border:1px solid var(--line);white-space:normal}.grid th{padding:.3rem .6rem}
.grid td b{display:block}.grid td span{display:block;color:var(--soft);font-size:.74rem}
.h1{background:var(--h1)}.h2{background:var(--h2)}.h3{background:var(--h3)}.h4{background:var(--h4)}
.grid .h1,.grid .h2,.grid .h3,.grid .h4,.grid .h1 span,.grid .h2 span,.grid .h3 span,.grid .h4 span{color:var(--heat)}
.grid .best{outline:3px solid var(--limit);outline-offset:-3px}
code,pre,.m{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.8rem}
pre{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .7rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
.id{display:inline-block;min-width:20em}
@media(max-width:46rem){table{display:block;overflow-x:auto}.id{min-width:12em}.pair{display:block}}
.hit{color:var(--bad);font-weight:600}
svg{display:block;width:100%;height:auto;margin:.8rem 0}
svg text{fill:var(--soft);font:12px system-ui,"DejaVu Sans",sans-serif}
.area{fill:var(--bad);fill-opacity:.18;stroke:var(--bad);stroke-width:1.5}
.refused{fill:var(--bad)}.accepted{fill:var(--good)}
.axis{stroke:var(--line)}.limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:6 4}
.moment{stroke:var(--fg);stroke-width:1.5}svg .strong{fill:var(--fg);font-weight:600}svg .lim{fill:var(--limit);font-weight:600}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem;border-top:1px solid var(--line);padding-top:.6rem}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--card:#fff;--bad:#a01c10;--good:#14507c;--limit:#7a4d00;
--h1:#fff;--h2:#f3e3e1;--h3:#e8c8c4;--h4:#d9a9a3;--heat:#000}
@page{margin:14mm}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{max-width:none;padding:0;font-size:9.5pt}h1{font-size:16pt}h2{font-size:13pt}h3{font-size:10.5pt}.lede{font-size:10pt}
table{display:table;font-size:8.5pt}code,pre,.m{font-size:7.5pt}.id{min-width:19em}.pair{display:grid;grid-template-columns:1fr 1fr}
.cards{grid-template-columns:repeat(auto-fit,minmax(7rem,1fr));gap:.4rem}.card{padding:.3rem .5rem}.card b{font-size:13pt}.card span{font-size:8pt}
.grid td,.grid th{padding:.2rem .3rem}
h1,h2,h3{break-after:avoid}thead{display:table-header-group}tr,svg,.card,.cards{break-inside:avoid}}
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

std::string html_card(std::string_view kind, std::string_view figure, std::string_view words) {
  return fmt::format("<div class=\"card {}\"><b>{}</b><span>{}</span></div>\n", kind, figure,
                     words);
}

std::string html_lines(std::string_view text, std::size_t columns) {
  std::string out;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    out += html_text(line, columns) + "\n";
  }
  return out;
}

std::string html_time(const Zone& zone, Instant time) {
  auto text = zone.text(time);  // 2026-11-23T10:00:00+01:00
  text[10] = ' ';
  return fmt::format("<span class=\"k\">{} <span class=\"soft\">{}</span></span>",
                     html_text(text.substr(0, 19)), html_text(text.substr(19)));
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
