#include "agent/output/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace agent {
namespace {

constexpr std::size_t kSpace = 2;  // between columns

std::string padded(const std::string& cell, std::size_t width, TextTable::Align align) {
  const auto used = text_columns(cell);
  const std::string blanks(width > used ? width - used : 0, ' ');
  return align == TextTable::Align::left ? cell + blanks : blanks + cell;
}

}  // namespace

std::size_t text_columns(std::string_view text) {
  // UTF-8 continuation bytes take no column.
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
  }));
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string noun(std::uint64_t number, std::string_view one, std::string_view many) {
  if (number == 1) return std::string(one);
  return many.empty() ? std::string(one) + "s" : std::string(many);
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return grouped(number) + " " + noun(number, one, many);
}

std::string bar(std::uint64_t value, std::uint64_t most, std::size_t width) {
  if (value == 0 || most == 0) return "";
  return std::string(std::max<std::size_t>(1, value * width / most), '#');
}

std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::string line(indent, ' ');
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (line.size() > indent && text_columns(line) + 1 + text_columns(word) > kTextWidth) {
      out += line + '\n';
      line.assign(indent, ' ');
    }
    if (line.size() > indent) line += ' ';
    line += word;
  }
  return out + line + '\n';
}

TextTable& TextTable::row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
  notes_.emplace_back();
  return *this;
}

TextTable& TextTable::note(std::string text) {
  if (!notes_.empty()) notes_.back() = std::move(text);
  return *this;
}

std::string TextTable::line(const std::vector<std::string>& cells,
                            const std::vector<std::size_t>& widths) const {
  std::string out(indent_, ' ');
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out.append(kSpace, ' ');
    if (i == 0 && text_columns(cells[0]) > widths[0]) {
      out += cells[0] + '\n' + std::string(indent_ + widths[0], ' ');
      continue;
    }
    out += padded(cells[i], widths[i], columns_[i].align);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + '\n';
}

std::string TextTable::text() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  std::size_t total = indent_;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    auto width = text_columns(columns_[i].title);
    for (const auto& cells : rows_) width = std::max(width, text_columns(cells[i]));
    widths.push_back(width);
    total += width + (i > 0 ? kSpace : 0);
  }
  if (total > kTextWidth) {
    const auto over = total - kTextWidth;
    const auto least = text_columns(titles[0]);
    widths[0] = widths[0] > over + least ? widths[0] - over : least;
  }
  std::string out = line(titles, widths);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    out += line(rows_[i], widths);
    if (!notes_[i].empty()) out += wrapped(notes_[i], indent_ + 4);
  }
  return out;
}

}  // namespace agent
