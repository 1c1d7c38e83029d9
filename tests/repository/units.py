# Checks the units of systemd: systemd reads them, they are hardened, and their commands have the flags that they give.
"""usage: units.py MUSTER_BINARY; skipped (exit code 77) without systemd-analyze"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from sources import ROOT

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
MUSTER = ""
EXPOSURE_AT_MOST = 2.0  # of 10, as systemd counts it; most services of Debian have 9


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # As they would be installed, but with the binary of this build.
        self.there = []
        for unit in UNITS:
            path = pathlib.Path(folder.name) / unit.name.replace("@", "@n1")
            path.write_text(unit.read_text(encoding="utf-8").replace("/usr/bin/muster", MUSTER), encoding="utf-8")
            self.there.append(path)

    def test_there_is_one_for_the_coordinator_and_one_for_nodes(self):
        self.assertEqual([unit.name for unit in UNITS], ["muster-coordinator.service", "muster-node@.service"])

    def test_systemd_finds_no_fault(self):
        for path in self.there:
            with self.subTest(unit=path.name):
                code, told = analyze("verify", "--man=no", str(path))
                self.assertEqual((code, [line for line in told.splitlines() if path.name in line]), (0, []), told)

    def test_a_fault_would_be_found(self):
        path = self.there[0]
        path.write_text(path.read_text(encoding="utf-8").replace("ProtectSystem=strict", "ProtectSystem=perhaps\nProtectAll=yes"), encoding="utf-8")
        _, told = analyze("verify", "--man=no", str(path))
        self.assertIn("perhaps", told)
        self.assertIn("ProtectAll", told)

    def test_they_are_hardened(self):
        for path in self.there:
            with self.subTest(unit=path.name):
                _, told = analyze("security", "--offline=yes", "--no-pager", str(path))
                exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
                self.assertIsNotNone(exposure, told)
                print(f"{path.name}: exposure {exposure.group(1)}, at most {EXPOSURE_AT_MOST}")
                self.assertLessEqual(float(exposure.group(1)), EXPOSURE_AT_MOST, told)

    def test_their_commands_have_these_flags(self):
        for path in self.there:
            text = path.read_text(encoding="utf-8").replace("\\\n", " ")
            line = re.search(r"(?m)^ExecStart=(.*)$", text).group(1).split()
            told = subprocess.run([*line[:2], "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
            flags = [word for word in line if word.startswith("--")]
            self.assertGreater(len(flags), 4)
            self.assertEqual([flag for flag in flags if not re.search(rf"(?m)^ +{flag}\b", told)], [], path.name)


if __name__ == "__main__":
    if shutil.which("systemd-analyze") is None:
        print("skipped: there is no systemd-analyze (Debian package systemd)")
        sys.exit(77)
    MUSTER = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
