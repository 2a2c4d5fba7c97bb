"""The words that people read: none that had to be read twice, none that makes every sender a man."""
import glob
import os
import re
import unittest

SOURCE = os.path.join(os.path.dirname(__file__), "../..")

# What stood there once, and what it should be.
WORDS = {
    r"\b(he|his|him|himself|whom)\b": "the sender, the account, its",
    r"\bstamps?\b": "timestamp",
    r"\btime stamps?\b": "timestamp",
    r"write to the dead": "senders that are never counted",
    r"against its habit": "unusual at this hour",
    r"parts of copies|gaps are said": "duplicate files are counted once; gaps are reported",
    r"makes all good": "catches up",
    r"counting in the ACL": "as when Exim counts itself",
    r"people that there are": "existing people, addresses that do not exist",
    r"look content": "shows no BAD line",
    r"nobody of ours": "not your users",
    r"ones, one a line|the same of honest ones": "file of known spammers, one per line",
    r"decided on in the logs given": "show the events behind each decision",
    r"could not find out it says": "anything it can't determine is reported",
    r"\d+ to mend|to look at\b.*works;|\bworks; \d": "2 errors, 3 warnings; OK, 2 warnings",
    r"so nobody\b": "nobody blocked (file not created yet)",
    r"whatever hand is free|talk to standard error": "by any means; messages to standard error",
    r"does not begin with a stamp": "not a log entry: no timestamp at the start",
    r"knows better": "has since freed",
    r"So it does in the commands": "the same is possible through",
    r"variant \"count\"|rcpt-count": "accept and log",
}
# Names of fields and labels that programs rely on, and what a mail says of the addresses in it.
NAMES = re.compile(r"\$labels\.stamp|`conf/exim/rcpt-count\.conf` is called")


def literals(path):
    """(line, text) of the string literals with a blank in them: texts, not names."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"(?m)//.*$|^#include.*$", "", text)
    text = re.sub(r'"[ \t]*\n\s*"', "", text)
    for found in re.finditer(r'"((?:[^"\\\n]|\\.)*)"', text):
        if " " in found[1].strip():
            yield text.count("\n", 0, found.start()) + 1, found[1]


def faults(text):
    text = NAMES.sub("", text)
    return [f"{found[0]!r}: rather {better}" for word, better in WORDS.items()
            for found in re.finditer(word, text, re.IGNORECASE if "stamp" not in word else 0)]


def files(*patterns):
    return sorted(path for pattern in patterns for path in glob.glob(f"{SOURCE}/{pattern}", recursive=True))


class Words(unittest.TestCase):
    def test_messages(self):
        sources = files("agent/**/*.cpp", "agent/**/*.h", "actions/**/*.cpp", "parsers/**/*.cpp")
        self.assertGreater(len(sources), 100)
        texts = 0
        for path in sources:
            for line, text in literals(path):
                texts += 1
                self.assertEqual(faults(text), [], f"{os.path.relpath(path, SOURCE)}, near line {line}: {text}")
        self.assertGreater(texts, 500)

    def test_documents(self):
        documents = files("README.md", "CHANGELOG.md", "agent/README.md", "conf/**/*.md", "conf/**/*.conf",
                          "conf/*.toml", "conf/*.yml", "conf/*.sh", "conf/*.service")
        self.assertGreater(len(documents), 15)
        for path in documents:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    self.assertEqual(faults(line), [], f"{os.path.relpath(path, SOURCE)}:{number}: {line}")

    def test_it_can_fail(self):
        for text in ("free him", "--timezone ZONE of stamps without one", "works; 2 warnings", "a time stamp"):
            self.assertNotEqual(faults(text), [], text)
        for text in ("the timestamp", "this, the other", "whomever"):
            self.assertEqual(faults(text), [], text)


if __name__ == "__main__":
    unittest.main()
