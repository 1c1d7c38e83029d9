# Runs deploy/run as a user would, ends it in every way, and looks for processes, ports and files that it left behind.
"""usage: scripts.py MUSTER_BINARY"""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUSTER = ""
PATIENCE_S = 100
FIGURE = re.compile(r"^figure ([a-z0-9_]+) (\S+) (\S+) target (\S+) (met|missed)$", re.MULTILINE)


class Run:
    """deploy/run on a terminal of its own, with its temporary files below a folder of its own."""

    def __init__(self, *arguments, binary=None, before=""):
        self.folder = tempfile.mkdtemp(prefix="muster-scripts-")
        environment = dict(os.environ, TMPDIR=self.folder, MUSTER_BINARY=binary or MUSTER)
        environment.pop("MUSTER_COORDINATOR", None)
        self.output = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            command = [str(ROOT / "deploy/run"), *arguments]
            os.execve("/bin/bash", ["bash", "-c", f"{before}\"$@\"", "bash", *command], environment)

    def read(self, until_s, text=None):
        """Reads until the text comes or the script ends; True when it did."""
        end = time.monotonic() + until_s
        while text is None or text not in self.output:
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return False
            try:
                some = os.read(self.terminal, 65536)
            except OSError:  # The other side of the terminal is closed.
                some = b""
            if not some:
                return text is None
            self.output += some.decode(errors="replace").replace("\r\n", "\n")
        return True

    def end(self):
        """The exit code; the script must end in time."""
        assert self.read(PATIENCE_S), "deploy/run did not end:\n" + self.output
        os.close(self.terminal)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def processes(self):
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if any(self.folder in word for word in words):
                found.append(" ".join(words))
        return found

    def port_open(self):
        at = re.search(r"coordinator at 127\.0\.0\.1:(\d+)", self.output)
        if not at:
            return False
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", int(at.group(1)))) == 0

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Scripts(unittest.TestCase):
    def begin(self, *arguments, **more):
        run = Run(*arguments, **more)
        self.addCleanup(run.remove)
        return run

    def assert_nothing_left(self, run):
        self.assertEqual(run.processes(), [], run.output)
        self.assertEqual(os.listdir(run.folder), [], run.output)
        self.assertFalse(run.port_open(), run.output)

    def test_a_run_reports_its_figures_and_leaves_nothing(self):
        run = self.begin()
        code = run.end()
        figures = {name: (value, verdict) for name, value, _, _, verdict in FIGURE.findall(run.output)}
        self.assertEqual(list(figures), ["recall_at_10", "queries_sent", "queries_failed", "queries_retried",
                                         "worst_query_ms", "kill_to_rerouted_ms", "kill_to_whole_ms"], run.output)
        # Times are for a quiet machine; what is right or wrong is so on every machine.
        for name in "recall_at_10", "queries_sent", "queries_failed":
            self.assertEqual(figures[name][1], "met", run.output)
        missed = any(verdict == "missed" for _, verdict in figures.values())
        self.assertEqual(code, 1 if missed else 0, run.output)
        self.assert_nothing_left(run)

    def test_ctrl_c_at_any_step_leaves_nothing(self):
        for step in "starting one coordinator", "importing", "loading it", "searching without pause", "killing":
            with self.subTest(step=step):
                run = self.begin()
                self.assertTrue(run.read(PATIENCE_S, step), run.output)
                os.write(run.terminal, b"\x03")
                self.assertEqual(run.end(), 130, run.output)
                self.assert_nothing_left(run)

    def test_a_signal_to_the_script_alone_leaves_nothing(self):
        for step, number in ("coordinator at", signal.SIGTERM), ("killing", signal.SIGHUP):
            with self.subTest(step=step):
                run = self.begin()
                self.assertTrue(run.read(PATIENCE_S, step), run.output)
                sent = time.monotonic()
                os.kill(run.pid, number)
                self.assertEqual(run.end(), 128 + number, run.output)
                self.assertLess(time.monotonic() - sent, 20)
                self.assert_nothing_left(run)

    def test_a_reader_that_went_away_ends_it_and_leaves_nothing(self):
        run = self.begin(before="exec > >(head -n 2); exec ")
        self.assertNotEqual(run.end(), 0)
        self.assert_nothing_left(run)

    def test_a_failed_step_is_an_error_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            binary = pathlib.Path(folder) / "muster"
            for step in "coordinator", "node", "import", "load", "recall", "probe", "wait":
                with self.subTest(step=step):
                    binary.write_text(f"#!/bin/sh\n[ \"$1\" != {step} ] || {{ echo planted failure >&2; exit 1; }}\n"
                                      f"exec {MUSTER} \"$@\"\n")
                    binary.chmod(0o755)
                    run = self.begin(binary=str(binary))
                    self.assertEqual(run.end(), 1, run.output)
                    self.assertIn("planted failure", run.output)
                    self.assert_nothing_left(run)

    def test_what_keep_prints_works_when_pasted(self):
        run = self.begin("--keep")
        run.end()
        self.assertEqual(len(FIGURE.findall(run.output)), 7, run.output)
        self.assertTrue(run.port_open(), run.output)
        pasted = re.findall(r"^  (\S.*)$", run.output[run.output.index("The cluster is left running"):], re.MULTILINE)
        *talk, node, stop = pasted
        self.assertRegex(node, r"--name node-\d .* &$")
        self.assertRegex(stop, r"^sh ")
        back = node.split("--name ")[1].split()[0]
        script = "\n".join(["set -e", *talk, node, f"timeout 30 {MUSTER} wait --nodes 4 --timeout-s 20",
                            f"{MUSTER} status"])
        try:
            # To a file: the node outlives the shell, as it does when pasted, and would hold a pipe open.
            out = pathlib.Path(run.folder) / "pasted.txt"
            with open(out, "w") as file:
                code = subprocess.run(["bash", "-c", script], stdout=file, stderr=file, timeout=60, check=False,
                                      env=dict(os.environ, TMPDIR=run.folder)).returncode
            text = out.read_text()
            out.unlink()
            self.assertEqual(code, 0, text)
            self.assertRegex(text, r"river")
            self.assertRegex(text, back + r" +\d+ +connected")
        finally:
            subprocess.run(["bash", "-c", stop], timeout=60, check=True)
        self.assert_nothing_left(run)


if __name__ == "__main__":
    MUSTER = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
