# Checks what every file owes its reader: a first sentence that says what it is for.
import re
import unittest

from sources import ROOT, files, text

# The first lines of a file are its comment; a sentence ends with a full stop.
SENTENCE = re.compile(r"\A(?:#![^\n]*\n)?((?:(?://|#) [^\n]*\n)+)")
SCRIPTS = ["deploy/run", "deploy/test", "deploy/bench", "deploy/package", ".ci/run"]


class Style(unittest.TestCase):
    def test_each_source_begins_with_a_sentence_on_what_it_is_for(self):
        wrong = []
        for path in files(".hpp", ".cpp", ".capnp", ".py", ".sh") + SCRIPTS:
            begin = SENTENCE.match(text(path))
            words = re.sub(r"(^|\n)(//|#) ", " ", begin.group(1)).strip() if begin else ""
            # A sentence: some words, and a full stop at the end of one of them.
            if len(words.split()) < 3 or not re.search(r"[.:)]( |$)", words):
                wrong.append(path)
        self.assertEqual(wrong, [], "these begin without a comment of one sentence that says what they are for")

    def test_no_header_is_without_its_guard(self):
        self.assertEqual([path for path in files(".hpp") if "#pragma once" not in text(path)], [])

    def test_no_test_is_skipped_without_its_reason(self):
        wrong = [path for path in files(".cpp", below="tests") if re.search(r"GTEST_SKIP\(\)\s*;", text(path))]
        self.assertEqual(wrong, [])

    def test_no_test_is_switched_off(self):
        wrong = [path for path in files(".cpp", below="tests") if re.search(r"\bDISABLED_", text(path))]
        self.assertEqual(wrong, [])

    def test_each_file_of_a_folder_is_text_that_ends_with_a_line(self):
        wrong = [path for path in files(".hpp", ".cpp", ".capnp", ".py", ".sh", ".md", ".cmake", ".tsv", "CMakeLists.txt")
                 if not (ROOT / path).read_bytes().endswith(b"\n")]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
