# Checks the runbooks: each command that they name exists, in the console too, and each alert leads to one of them.
"""usage: runbooks.py MUSTER_BINARY"""
import re
import subprocess
import sys
import unittest

from sources import ROOT, text

MUSTER = ""
PAGES = sorted((ROOT / "deploy/runbooks").glob("*.md"))
NEEDED = ["full-disk", "hot-node", "lost-coordinator", "lost-node", "sizing", "stuck-load", "upgrade"]


def commands(page):
    """First words of what is written as a command: at the begin of a line of a block, or between backticks."""
    source = page.read_text(encoding="utf-8")
    return re.findall(r"(?m)(?:^|`)muster ([a-z][a-z-]*)(?=[ `\n])(?!:)", source)


def told(*arguments):
    return subprocess.run([MUSTER, *arguments], capture_output=True, text=True, timeout=20, check=True).stdout


class Runbooks(unittest.TestCase):
    def test_there_is_one_for_each_trouble(self):
        self.assertEqual([page.stem for page in PAGES], NEEDED)

    def test_each_command_exists(self):
        named = {name for page in PAGES for name in commands(page)}
        self.assertGreater(len(named), 12)
        # What is no command has a help too, that of muster itself: its list is what counts.
        listed = re.findall(r"(?m)^  ([a-z][a-z-]*) ", told("--help").partition("Subcommands:")[2].partition("\n\n")[0])
        self.assertGreater(len(listed), 50)
        self.assertEqual(sorted(named - set(listed)), [])
        self.assertEqual([name for name in sorted(named) if f"muster {name}" not in told(name, "--help")], [])

    def test_each_page_begins_with_a_command_to_look(self):
        self.assertEqual([page.name for page in PAGES if len(commands(page)) < 3], [])

    def test_each_alert_leads_to_a_page(self):
        named = re.findall(r"(?m)^ +runbook: (\S+)$", text("deploy/prometheus/alerts.yml"))
        self.assertEqual(len(named), text("deploy/prometheus/alerts.yml").count("- alert:"))
        self.assertEqual([path for path in named if not (ROOT / path).is_file()], [])


if __name__ == "__main__":
    MUSTER = sys.argv.pop(1)
    unittest.main(verbosity=2)
