# Guards deploy/coordinator.yaml: it is what the program prints, changes nothing as it is, and every line of it may be taken into use.
"""usage: configuration_test.py MUSTER_BINARY"""
import re
import sys
import tempfile
import unittest

from share import ROOT, told

from cluster import Cluster

MUSTER = sys.argv.pop(1)
FILE = ROOT / "deploy/coordinator.yaml"
SETTING = re.compile(r"(?m)^#(\S+): (.*)$")
BOUNDS = re.compile(r"umber from (-?[0-9.]+)[a-z ]* to (-?[0-9.]+)")


def text():
    return FILE.read_text(encoding="utf-8")


def settings(cluster):
    return {s["key"]: s for s in cluster.call("ShowConfigurations").json()["configurations"]}


def comments():
    """Of each setting: what the lines above it say."""
    return {key: "\n".join(block.splitlines()[:-1]) for block in text().split("\n\n") for key, _ in SETTING.findall(block)}


class Reference(unittest.TestCase):
    def test_the_committed_file_is_what_the_program_prints(self):
        self.assertEqual(text(), told(MUSTER, "commented-configuration"),
                         "write it anew: build/muster commented-configuration >deploy/coordinator.yaml")

    def test_every_line_is_a_comment(self):
        self.assertEqual([line for line in text().splitlines() if line and not line.startswith("#")], [])

    def test_no_line_is_wider_than_an_editor(self):
        self.assertEqual([line for line in text().splitlines() if len(line) > 180], [])


class Coordinator(unittest.TestCase):
    def start(self, content):
        file = tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8")
        self.addCleanup(file.close)
        file.write(content)
        file.flush()
        cluster = Cluster(MUSTER, nodes=0, more=["--config", file.name])
        self.addCleanup(cluster.end)
        return cluster

    def test_as_it_is_it_changes_nothing(self):
        found = settings(self.start(text()))
        self.assertEqual({s["origin"] for s in found.values()}, {"default"})

    def test_each_setting_stands_there_once_with_its_meaning_its_unit_and_when_it_counts(self):
        known = settings(self.start(text()))
        keys = [key for key, _ in SETTING.findall(text())]
        self.assertGreater(len(keys), 60)
        self.assertEqual(sorted(keys), sorted(known))
        wrong = []
        for key, said in comments().items():
            setting = known[key]
            if setting["use"] in ("active", "active from the next start on"):
                when = "at once" if setting["use"] == "active" else "at start"
                if setting["meaning"].lower() not in said.lower() or f"; {when}." not in said:
                    wrong.append((key, said, setting))
            if setting["unit"] and not re.search(rf"\b{setting['unit']}\b", said):
                wrong.append((key, said, setting))
        self.assertEqual(wrong, [])

    def test_with_every_line_in_use_it_is_accepted_and_all_is_as_by_default(self):
        before = {key: s["value"] for key, s in settings(self.start("")).items()}
        after = settings(self.start(SETTING.sub(r"\1: \2", text())))
        self.assertEqual({key: s["value"] for key, s in after.items()}, before)
        self.assertEqual({s["origin"] for s in after.values()}, {"file"}, "the lines were not read")

    def test_bounds_are_those_that_are_checked(self):
        cluster = self.start("")
        bounded = {key: BOUNDS.search(said) for key, said in comments().items()}
        bounded = {key: found.groups() for key, found in bounded.items() if found}
        self.assertGreater(len(bounded), 30)
        wrong = []
        for key, (lowest, highest) in bounded.items():
            step = 1 if "." not in lowest + highest else 0.001
            for value, works in ((lowest, True), (highest, True), (float(lowest) - step, False), (float(highest) + step, False)):
                answer = cluster.call("AlterConfiguration", key=key, value=str(value))
                if (answer.status == 200) != works:
                    wrong.append((key, value, answer))
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
