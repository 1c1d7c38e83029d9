# Guards the installed package: installed, run as its units would, removed and purged over a copy of this machine's files in memory.
"""usage: package_run_test.py FOLDER_OF_THE_PACKAGE

Needs root and overlayfs; without them it is skipped (exit code 77). The machine's own files are the lower layer, which is never written
to; what the package does goes into memory and is gone with the namespace of mounts.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = None
SKIPPED = 77
INSIDE = "--inside"
# What dpkg and the C library keep for themselves, and scratch.
OF_THE_SYSTEM = ("var/lib/dpkg", "var/log", "var/cache", "tmp", "run", "etc/ld.so.cache", "etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-",
                 "etc/.pwd.lock", "etc/subuid-", "etc/subgid-")


def need(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Installed(unittest.TestCase):
    """The tests run in the order of their names: one installs, the last one purges."""

    @classmethod
    def setUpClass(cls):
        cls.layers = pathlib.Path(os.environ["MUSTER_LAYERS"])
        cls.root = cls.layers / "root"
        shutil.copy(PACKAGE, cls.root / "tmp/muster.deb")
        cls.accounts = {name: (cls.root / "etc" / name).read_text() for name in ("passwd", "group", "shadow")}

    def inside(self, *words):
        return need("chroot", str(self.root), "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *words)

    def files(self):
        """What was made anew above the machine's files."""
        found = []
        for folder, names, leaves in os.walk(self.layers / "upper"):
            for leaf in names + leaves:
                path = pathlib.Path(folder, leaf).relative_to(self.layers / "upper").as_posix()
                if not path.startswith(OF_THE_SYSTEM) and not os.path.lexists("/" + path):
                    found.append(path)
        return found

    def test_1_dpkg_installs_it_and_it_makes_its_user(self):
        (self.root / "etc/planted").touch()
        self.assertEqual(self.files(), ["etc/planted"], "what is left would not be found")
        (self.root / "etc/planted").unlink()
        self.assertEqual(self.files(), [])
        self.inside("dpkg", "--install", "/tmp/muster.deb")
        self.assertIn("install ok installed", self.inside("dpkg-query", "-W", "-f", "${Status}", "muster"))
        name, _, uid, _, _, home, shell = self.inside("getent", "passwd", "muster").strip().split(":")
        self.assertLess(int(uid), 1000)
        self.assertEqual((home, shell), ("/var/lib/muster", "/usr/sbin/nologin"))
        self.assertEqual(self.inside("muster", "--version").split()[0], name)
        self.assertEqual([path for path in self.files() if path.startswith("etc/systemd")], [], "nothing is enabled by itself")

    def test_2_it_runs_as_its_units_say_and_the_sample_is_searched(self):
        done = subprocess.run([sys.executable, "-B", str(HERE / "installed.py"), str(self.root)], capture_output=True, text=True, timeout=200, check=False)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_3_a_changed_setting_survives_the_package_being_installed_again(self):
        settings = self.root / "etc/muster/coordinator.yaml"
        settings.write_text("node_gone_ms: 3000\n")
        self.inside("dpkg", "--install", "/tmp/muster.deb")
        self.assertEqual(settings.read_text(), "node_gone_ms: 3000\n")

    def test_4_removed_it_leaves_settings_and_data(self):
        self.inside("dpkg", "--remove", "muster")
        self.assertFalse((self.root / "usr/bin/muster").exists())
        self.assertTrue((self.root / "etc/muster/coordinator.yaml").exists())
        self.assertTrue(any((self.root / "var/lib/muster/coordinator").iterdir()))
        self.assertEqual([path for path in self.files() if not path.startswith(("etc/muster", "var/lib/muster"))], [])

    def test_5_purged_it_leaves_nothing(self):
        (self.root / "etc/muster/node-n1.env").write_text("MUSTER_NODE_FLAGS=--debug\n")
        self.inside("dpkg", "--purge", "muster")
        self.assertEqual(self.files(), [])
        self.assertEqual({name: (self.root / "etc" / name).read_text() for name in self.accounts}, self.accounts)
        self.assertEqual(subprocess.run(["chroot", str(self.root), "dpkg-query", "-W", "muster"], capture_output=True, check=False).returncode, 1)


def skip(why):
    print(f"skipped: {why}")
    return SKIPPED


def begin(folder):
    """Layers in memory over the machine's files, seen by this process and its children only."""
    with tempfile.TemporaryDirectory() as layers:
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, "-B", __file__, INSIDE, layers, folder], check=False)
    return done.returncode


def inside(layers, folder):
    global PACKAGE
    (PACKAGE,) = pathlib.Path(folder).glob("muster_*.deb")
    need("mount", "-t", "tmpfs", "layers", layers)
    for name in "upper", "work", "root":
        os.mkdir(f"{layers}/{name}")
    mounted = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work", f"{layers}/root"],
                             capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        return skip(f"no overlay can be laid over this machine's files: {mounted.stderr.strip()}")
    if not os.path.exists(f"{layers}/root/usr/bin/dpkg"):
        return skip("this machine's files are spread over several mounts")
    need("mount", "-t", "tmpfs", "tmp", f"{layers}/root/tmp")
    need("mount", "-t", "tmpfs", "run", f"{layers}/root/run")
    need("mount", "--rbind", "/dev", f"{layers}/root/dev")
    os.environ["MUSTER_LAYERS"] = layers
    return 0 if unittest.main(argv=[sys.argv[0]], verbosity=2, exit=False, failfast=True).result.wasSuccessful() else 1


def main():
    if len(sys.argv) == 4 and sys.argv[1] == INSIDE:
        return inside(*sys.argv[2:])
    if os.geteuid() != 0:
        return skip("a package can be installed by root only")
    if subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True, check=False).returncode != 0:
        return skip("namespaces cannot be made here")
    return begin(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
