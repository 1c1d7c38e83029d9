# Guards the curl page: each of its lines works as it stands, one after the other, against a cluster with the sample.
import pathlib
import re
import subprocess
import sys
import unittest

from cluster import Cluster

MUSTER = sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]
PRINTED = "127.0.0.1:7780"


class Page(unittest.TestCase):
    def test_each_line_works_as_it_stands(self):
        cluster = Cluster(MUSTER, nodes=1)
        self.addCleanup(cluster.end)
        sample = ROOT / "deploy/sample"
        cluster.run("import", "words", "--vectors", str(sample / "base.npy"), "--ids", str(sample / "words.txt"), "--metric", "cosine",
                    "--segment-rows", "5000")
        page = (ROOT / "deploy/CURL.md").read_text(encoding="utf-8")
        lines = [line for block in re.findall(r"(?ms)^```\n(.*?)^```$", page) for line in block.splitlines()]
        self.assertGreater(len(lines), 12)
        for line in lines:
            with self.subTest(line=line):
                self.assertIn(PRINTED, line)
                streams = "/events" in line
                done = subprocess.run(["bash", "-c", line.replace(PRINTED, cluster.http) + (" --max-time 1" if streams else "")],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 28 if streams else 0, done)  # 28: the stream went on until it was cut
                self.assertTrue(done.stdout.strip(), done)
                if streams:
                    self.assertIn("\ndata: ", done.stdout)
                if "/v1/Search" in line:
                    self.assertIn('"rivers"' if "vectors" in line else '"river"', done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
