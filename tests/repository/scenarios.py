# Checks tests/scenarios.tsv: each row has a known id and names tests that exist, or one of the allowed reasons.
"""usage: scenarios.py BUILD_FOLDER

The file says for each scenario and invariant of the reference which test runs it: "id<TAB>test[,test...]", or why none does:
"environment" (a part Muster does not have), the number of a quirk or hazard ("Q5", "H-12"), or "better: NUMBER" (Muster decides
otherwise on purpose, and the number shows that it is better).
"""
import json
import re
import subprocess
import sys
import unittest

from sources import text

# Every id of scenario_ids.txt has a row, but for those that somebody is at work on; who ends that work takes the id from here.
AT_WORK = set()
# Of all ids, not of the rows: a file that has just begun may begin with its reasons.
REASONS_AT_MOST = 0.15
REASON = re.compile(r"^(environment|Q\d+|H-\d+|better: .*\d.*)$")
BUILD = ""


def tests_of_the_build():
    listed = subprocess.run(["ctest", "--test-dir", BUILD, "--show-only=json-v1"], capture_output=True, text=True,
                            timeout=120, check=True).stdout
    names = {t["name"] for t in json.loads(listed)["tests"]}
    # A test with parameters is named with or without them: storages/catalogue_test.rule/on_disk is catalogue_test.rule too.
    return names | {bare.group(1) for bare in (re.match(r"^(?:[^./]+/)?([^/]+)/[^/]+$", name) for name in names) if bare}


class Scenarios(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ids = text("tests/scenario_ids.txt").split()
        cls.lines = [line for line in text("tests/scenarios.tsv").split("\n") if line]
        cls.rows = [line.split("\t") for line in cls.lines]

    def test_each_row_has_an_id_and_what_runs_it(self):
        self.assertEqual([line for line, row in zip(self.lines, self.rows) if len(row) != 2 or not all(row)], [])

    def test_rows_are_sorted_and_no_id_comes_twice(self):
        ids = [row[0] for row in self.rows]
        self.assertEqual(ids, sorted(set(ids), key=lambda i: i.encode()))

    def test_each_id_is_known(self):
        self.assertEqual(sorted(set(row[0] for row in self.rows) - set(self.ids)), [])

    def test_each_named_test_exists(self):
        names = tests_of_the_build()
        self.assertGreater(len(names), 100)
        wrong = [f"{row[0]}: {name}" for row in self.rows if not REASON.match(row[1])
                 for name in row[1].split(",") if name not in names]
        self.assertEqual(wrong, [], "these tests do not exist, and these are no reasons")

    def test_reasons_are_few(self):
        reasons = [row for row in self.rows if REASON.match(row[1])]
        print(f"{len(reasons)} of {len(self.ids)} ids have a reason instead of a test; at most "
              f"{int(len(self.ids) * REASONS_AT_MOST)} may")
        self.assertLessEqual(len(reasons), len(self.ids) * REASONS_AT_MOST)

    def test_every_id_has_a_row(self):
        missing = set(self.ids) - set(row[0] for row in self.rows)
        print(f"{len(self.rows)} rows for {len(self.ids)} ids")
        self.assertEqual(sorted(missing - AT_WORK), [])


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main(verbosity=2)
