# Guards the man pages: every command has one, every option is in it, and roff has nothing to say against it.
"""usage: man_test.py MUSTER_BINARY"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from share import listed, options_in, told

MUSTER = sys.argv.pop(1)


def read(page):
    """As a reader sees it, and what groff says of it."""
    done = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-P-c"], input=page, capture_output=True, text=True, timeout=60, check=False)
    return re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout), done.stderr


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.commands = listed(told(MUSTER, "--help"))
        with tempfile.TemporaryDirectory() as folder:
            told(MUSTER, "man", "--to", folder)
            cls.pages = {path.name: path.read_text(encoding="utf-8") for path in pathlib.Path(folder).iterdir()}

    def test_every_command_has_a_page_and_the_program_too(self):
        self.assertGreater(len(self.commands), 70)
        self.assertEqual(sorted(self.pages), sorted(["muster.1", *(f"muster-{name}.1" for name in self.commands)]))

    def test_a_page_alone_is_the_same(self):
        self.assertEqual(told(MUSTER, "man"), self.pages["muster.1"])
        self.assertEqual(told(MUSTER, "man", "load"), self.pages["muster-load.1"])

    def test_what_is_no_command_has_none(self):
        done = subprocess.run([MUSTER, "man", "lod"], capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("there is no command lod", done.stderr)

    def test_roff_has_no_warning(self):
        wrong = {name: said for name, page in self.pages.items() if (said := read(page)[1])}
        self.assertEqual(wrong, {})

    def test_a_warning_would_be_seen(self):
        self.assertNotEqual(read(self.pages["muster.1"] + ".XY\n")[1], "")

    def test_each_page_has_every_option_and_what_the_command_does(self):
        wrong = []
        for name, meaning in self.commands.items():
            seen = re.sub(r"\s+", " ", read(self.pages[f"muster-{name}.1"])[0])
            if meaning.strip() not in seen:
                wrong.append((name, meaning))
            help_text = told(MUSTER, name, "--help")
            options = options_in(help_text)
            for inner in listed(help_text):
                options |= options_in(told(MUSTER, name, inner, "--help"))
                if f"muster {name} {inner}" not in seen:
                    wrong.append((name, inner))
            self.assertIn("--help", options)
            wrong += [(name, option) for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", seen)]
        self.assertEqual(wrong, [])

    def test_that_of_the_program_lists_every_command_and_exit_code(self):
        seen = read(self.pages["muster.1"])[0]
        self.assertEqual([name for name in self.commands if not re.search(rf"(?m)^ +{name}\b", seen)], [])
        for heading in "NAME", "SYNOPSIS", "COMMANDS", "EXIT CODES", "ENVIRONMENT":
            self.assertRegex(seen, rf"(?m)^{heading}$")

    def test_pages_do_not_depend_on_the_environment_of_whoever_builds(self):
        done = subprocess.run([MUSTER, "man", "status"], capture_output=True, text=True, timeout=20, check=True,
                              env={"MUSTER_COORDINATOR": "10.9.8.7:1", "MUSTER_STORE": "/elsewhere"})
        self.assertEqual(done.stdout, self.pages["muster-status.1"])


if __name__ == "__main__":
    if shutil.which("groff") is None:
        print("skipped: there is no groff (Debian package groff-base)")
        sys.exit(77)
    unittest.main(verbosity=2)
