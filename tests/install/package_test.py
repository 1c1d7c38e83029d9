# Guards the Debian package as a file: what is in it, with which rights, what it depends on; lintian has nothing to say.
"""usage: package_test.py MUSTER_BINARY FOLDER_OF_THE_PACKAGE"""
import gzip
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from share import ROOT, listed, told

MUSTER = sys.argv.pop(1)
(PACKAGE,) = pathlib.Path(sys.argv.pop(1)).glob("muster_*.deb")
DATA = {
    "usr/lib/systemd/system/muster-coordinator.service": "deploy/systemd/muster-coordinator.service",
    "usr/lib/systemd/system/muster-node@.service": "deploy/systemd/muster-node@.service",
    "etc/muster/coordinator.yaml": "deploy/coordinator.yaml",
    "usr/lib/python3/dist-packages/muster.py": "deploy/python/muster.py",
    "usr/share/muster/grafana/muster.json": "deploy/grafana/muster.json",
    "usr/share/doc/muster/REFERENCE.md": "deploy/REFERENCE.md",
    "usr/share/doc/muster/CURL.md": "deploy/CURL.md",
    "usr/share/doc/muster/copyright": "deploy/debian/copyright",
}


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        told("dpkg-deb", "--raw-extract", PACKAGE, cls.root)
        cls.listing = told("dpkg-deb", "--contents", PACKAGE).splitlines()

    def test_what_the_repository_has_is_in_it_unchanged(self):
        for below in "runbooks", "sample":
            for file in (ROOT / "deploy" / below).iterdir():
                DATA[f"usr/share/muster/{below}/{file.name}"] = f"deploy/{below}/{file.name}"
        wrong = [there for there, here in DATA.items()
                 if not (self.root / there).is_file() or (self.root / there).read_bytes() != (ROOT / here).read_bytes()]
        self.assertEqual(wrong, [])

    def test_every_command_has_its_page_and_completion_is_that_of_the_program(self):
        pages = {path.name for path in (self.root / "usr/share/man/man1").iterdir()}
        self.assertEqual(pages, {"muster.1.gz", *(f"muster-{name}.1.gz" for name in listed(told(MUSTER, "--help")))})
        self.assertEqual(gzip.decompress((self.root / "usr/share/man/man1/muster-load.1.gz").read_bytes()).decode(), told(MUSTER, "man", "load"))
        self.assertEqual((self.root / "usr/share/bash-completion/completions/muster").read_text(), told(MUSTER, "completion", "bash"))
        self.assertEqual((self.root / "usr/share/zsh/vendor-completions/_muster").read_text(), told(MUSTER, "completion", "zsh"))

    def test_alerts_name_runbooks_that_are_in_it(self):
        text = (self.root / "usr/share/muster/prometheus/alerts.yml").read_text(encoding="utf-8")
        named = re.findall(r"runbook: /(\S+)", text)
        self.assertEqual(len(named), text.count("alert:"))
        self.assertEqual([path for path in named if not (self.root / path).is_file()], [])
        done = subprocess.run(["promtool", "test", "rules", str(self.root / "usr/share/muster/prometheus/alerts_test.yml")],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_files_belong_to_root_and_only_what_runs_may_be_run(self):
        wrong = []
        for line in self.listing:
            rights, owner, *_, path = line.split()
            runs = path in ("./usr/bin/muster",) or path.endswith("/")
            if owner != "root/root" or rights[1:] != ("rwxr-xr-x" if runs else "rw-r--r--"):
                wrong.append(line)
        self.assertEqual(wrong, [])

    def test_the_binary_is_stripped_and_runs(self):
        binary = self.root / "usr/bin/muster"
        self.assertLess(binary.stat().st_size, pathlib.Path(MUSTER).stat().st_size)
        self.assertNotIn(".symtab", told("readelf", "-SW", binary))
        self.assertEqual(told(binary, "--version"), told(MUSTER, "--version"))

    def test_settings_survive_an_upgrade(self):
        self.assertEqual((self.root / "DEBIAN/conffiles").read_text(), "/etc/muster/coordinator.yaml\n")
        under_etc = [line.split()[-1] for line in self.listing if " ./etc/" in line and not line.endswith("/")]
        self.assertEqual(under_etc, ["./etc/muster/coordinator.yaml"])

    def test_it_depends_on_the_libraries_that_are_linked_and_on_what_its_scripts_call(self):
        depends = told("dpkg-deb", "--field", PACKAGE, "Depends")
        for name in "libc6", "libcaf-core0.17", "libcapnp-0.9.2", "libsqlite3-0", "libyaml-cpp0.7", "libjemalloc2", "libedit2":
            self.assertRegex(depends, rf"\b{re.escape(name)}\b")
        self.assertIn("adduser", depends)

    def test_its_version_is_that_of_the_program_and_of_the_changelog(self):
        version = told("dpkg-deb", "--field", PACKAGE, "Version").strip()
        self.assertEqual("muster " + version.partition("-")[0], told(MUSTER, "--version").strip())
        newest = gzip.decompress((self.root / "usr/share/doc/muster/changelog.Debian.gz").read_bytes()).decode().splitlines()[0]
        self.assertIn(f"({version})", newest)

    def test_its_scripts_can_be_read_by_sh(self):
        for name in "postinst", "prerm", "postrm":
            path = self.root / "DEBIAN" / name
            self.assertTrue(path.stat().st_mode & 0o111, name)
            self.assertEqual(subprocess.run(["sh", "-n", str(path)], capture_output=True, check=False).returncode, 0, name)
            self.assertNotRegex(path.read_text(), r"systemctl.* (start|enable|restart)\b", "a package starts nothing by itself")

    def test_lintian_has_nothing_to_say(self):
        if shutil.which("lintian") is None:
            self.skipTest("there is no lintian here; deploy/test package has one")
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", str(PACKAGE)], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
