# Twelve ways in which a cluster is broken, as an operator meets them: one command names the cause, in the terminal and over HTTP.
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest

import cluster

MUSTER = sys.argv.pop(1)


class Broken(unittest.TestCase):
    def start(self, nodes=1, more=(), environment=None):
        self.cluster = cluster.Cluster(MUSTER, nodes=nodes, more=more, environment=environment)
        self.addCleanup(self.cluster.end)
        self.background = []
        self.addCleanup(self.end_background)
        return self.cluster

    def end_background(self):
        for process in self.background:
            process.kill()
            process.wait()

    def begin(self, *arguments):
        """A command that may wait for long: it is not waited for."""
        self.background.append(subprocess.Popen([MUSTER, *arguments, "--coordinator", self.cluster.coordinator],
                                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def import_rows(self, name="books", rows=400, *more):
        path, _ = self.cluster.vectors(rows)
        metric = () if "--append" in more else ("--metric", "l2")
        self.cluster.run("import", name, "--vectors", path, "--segment-rows", "100", *metric, *more)

    def segments(self, name="books"):
        return self.cluster.call("ListSegments", collection=name).json()["segments"]

    def explanation(self, subject, name):
        answer = self.cluster.call("Explain", subject=subject, name=name)
        if answer.status == 404:  # a load that has just been begun: its segments are not known yet
            return {"cause": "not there yet", "served": False}
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["explanation"]

    def expect(self, cause, unblocked_by, subject, name, patience_s=30):
        """The cause is named, within a while, over HTTP; then by one command, as text and as JSON."""
        until = time.monotonic() + patience_s
        told = None
        while time.monotonic() < until:
            told = self.explanation(subject, name)
            if told["cause"] == cause:
                break
            time.sleep(0.1)
        self.assertEqual(told["cause"], cause, told)
        self.assertEqual(told["unblockedBy"], unblocked_by, told)
        self.assertFalse(told["served"], told)
        self.assertTrue(told["causeText"] and told["unblockText"], told)
        as_json = json.loads(self.cluster.run("explain", subject, name, "--json"))
        self.assertEqual(as_json["explanation"]["cause"], cause, as_json)
        as_text = self.cluster.run("explain", subject, name)
        self.assertIn(cause, as_text)
        # A path may be longer than a line; whatever has blanks fits.
        self.assertTrue(all(len(line) <= 80 or " " not in line.strip() for line in as_text.splitlines()), as_text)
        return told

    def expect_served(self, subject, name, patience_s=60):
        until = time.monotonic() + patience_s
        told = None
        while time.monotonic() < until:
            told = self.explanation(subject, name)
            if told["served"]:
                return
            time.sleep(0.1)
        self.fail(f"it does not come right: {told}")

    def test_no_node_in_the_group(self):
        c = self.start()
        self.import_rows()
        c.run("load", "books")
        c.processes[-1].end(9)
        self.expect("no_node_in_group", "node_joins_group", "collection", "books")
        c.start("again", "listening on ", "node", "--name", "node-9", "--join", c.coordinator, "--listen", "127.0.0.1:0",
                "--data", c.folder + "/node-9")
        self.expect_served("collection", "books")

    def test_limits_of_the_group_are_full(self):
        c = self.start(nodes=2)
        self.import_rows()
        self.assertEqual(c.call("CreateResourceGroup", name="rg", config={"requests": "1", "limits": "1"}).status, 200)
        c.run("load", "books", "--resource-group", "rg")
        members = [n["name"] for n in c.call("DescribeResourceGroup", name="rg").json()["group"]["nodes"]]
        self.assertEqual(len(members), 1)
        outside = "node-2" if members == ["node-1"] else "node-1"
        self.expect("group_limits_full", "group_limits_raised", "node", outside)

    def test_segment_file_is_missing(self):
        c = self.start()
        self.import_rows()
        file = os.path.join(c.folder, "store", self.segments()[0]["file"])
        os.rename(file, file + ".away")
        self.begin("load", "books")
        self.expect("segment_file_missing", "file_restored", "collection", "books")
        os.rename(file + ".away", file)
        self.expect_served("collection", "books")

    def test_segment_file_has_a_wrong_checksum(self):
        c = self.start()
        self.import_rows()
        segment = self.segments()[0]
        file = os.path.join(c.folder, "store", segment["file"])
        shutil.copy(file, file + ".good")
        with open(file, "r+b") as f:
            f.seek(os.path.getsize(file) // 2)
            f.write(b"\xff\x00\xff\x00")
        self.begin("load", "books")
        self.expect("segment_file_damaged", "file_restored", "segment", segment["id"])
        shutil.copy(file + ".good", file)
        self.expect_served("segment", segment["id"])

    def test_node_refuses(self):
        c = self.start(nodes=0)
        c.start("fleet", "fleet", "fleet", "--nodes", "1", "--join", c.coordinator, "--refuse", "1")
        c.run("wait", "--nodes", "1", "--timeout-s", "20")
        c.run("import", "--synthetic", "1x4")
        name = c.call("ListCollections").json()["collections"][0]["name"]
        self.begin("load", name)
        self.expect("node_refuses", "node_accepts", "collection", name)

    def test_leader_is_behind(self):
        c = self.start()
        self.import_rows()
        c.run("load", "books")
        c.run("deactivate-checker", "leader_checker")
        self.import_rows("books", 300, "--append")
        self.expect("leader_behind", "checker_activated", "collection", "books")
        c.run("activate-checker", "leader_checker")
        self.expect_served("collection", "books")

    def test_checker_is_switched_off(self):
        c = self.start()
        self.import_rows()
        c.run("deactivate-checker", "channel_checker")
        self.begin("load", "books")
        self.expect("checker_off", "checker_activated", "collection", "books")
        c.run("activate-checker", "channel_checker")
        self.expect_served("collection", "books")

    def test_balance_is_suspended(self):
        c = self.start()
        self.import_rows("books", 1000)
        c.run("load", "books")
        c.run("suspend-balance")
        c.start("late", "listening on ", "node", "--name", "late", "--join", c.coordinator, "--listen", "127.0.0.1:0", "--data",
                c.folder + "/late")
        c.run("wait", "--nodes", "2", "--timeout-s", "20")
        self.expect("balance_off", "balance_resumed", "node", "late")
        c.run("resume-balance")
        self.expect_served("node", "late")

    def test_data_source_is_down(self):
        c = self.start()
        self.import_rows()
        c.run("load", "books")
        # Somebody takes the tables of the catalogue away: what was loaded is served, what is new cannot be asked.
        catalogue = sqlite3.connect(os.path.join(c.folder, "data", "catalogue.db"), timeout=30)
        self.addCleanup(catalogue.close)
        tables = [row[0] for row in catalogue.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        self.assertTrue(tables)
        for table in tables:
            catalogue.execute(f"ALTER TABLE {table} RENAME TO away_{table}")
        catalogue.commit()
        self.begin("call", "loadCollection", '{"collection":"books","refresh":true}')
        self.expect("data_source_down", "data_source_answers", "collection", "books")
        for table in tables:
            catalogue.execute(f"ALTER TABLE away_{table} RENAME TO {table}")
        catalogue.commit()
        self.expect_served("collection", "books")

    def test_disk_is_full(self):
        # A small tmpfs where one may be mounted; elsewhere a disk that says so.
        sign = "{folder}/full"
        environment = {"LD_PRELOAD": os.environ["FULL_DISK"], "MUSTER_FULL_DISK": sign}
        c = self.start(environment=environment)
        self.import_rows()
        open(sign.format(folder=c.folder), "w").close()
        done = subprocess.run([MUSTER, "load", "books", "--coordinator", c.coordinator], capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done)
        self.expect("journal_failed", "journal_writable", "collection", "books")
        health = c.call("CheckHealth").json()
        self.assertFalse(health["healthy"], health)
        self.assertIn("journal", health["reasons"][0])
        os.remove(sign.format(folder=c.folder))
        c.run("load", "books")
        self.expect_served("collection", "books")
        self.assertTrue(c.call("CheckHealth").json()["healthy"])

    def test_load_made_no_progress_for_its_timeout(self):
        c = self.start(nodes=0, more=("--set", "queryCoord.loadTimeoutSeconds=2"))
        c.start("fleet", "fleet", "fleet", "--nodes", "1", "--join", c.coordinator, "--refuse", "1")
        c.run("wait", "--nodes", "1", "--timeout-s", "20")
        c.run("import", "--synthetic", "1x4")
        name = c.call("ListCollections").json()["collections"][0]["name"]
        self.begin("load", name)
        told = self.expect("load_given_up", "load_request", "collection", name)
        self.assertIn("nothing moved", told["causeText"])

    def test_two_nodes_have_one_name(self):
        c = self.start()
        c.start("twin", "", "node", "--name", "node-1", "--join", c.coordinator, "--listen", "127.0.0.1:0", "--data", c.folder + "/twin")
        self.expect("name_taken", "other_node_stopped", "node", "node-1")


class SmallDisk(unittest.TestCase):
    """The same as a full disk, on a file system that really is full; only where one may be mounted."""

    def test_tmpfs_that_is_full(self):
        import tempfile
        folder = tempfile.mkdtemp(prefix="muster-tmpfs.")
        self.addCleanup(shutil.rmtree, folder, True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "muster", folder], capture_output=True, check=False).returncode != 0:
            self.skipTest("mounting a tmpfs is not allowed here; test_disk_is_full stands for it")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)
        c = cluster.Cluster(MUSTER, nodes=1, data=folder + "/data")
        self.addCleanup(c.end)
        path, _ = c.vectors(400)
        c.run("import", "books", "--vectors", path, "--metric", "l2")
        ballast = os.open(folder + "/ballast", os.O_CREAT | os.O_WRONLY)
        try:
            while True:
                os.write(ballast, b"\x00" * 4096)
        except OSError:
            os.close(ballast)
        answer = None
        for i in range(200):  # the journal may still have room in what it has allocated
            answer = c.call("CreateResourceGroup", name=f"rg{i}")
            if answer.status != 200:
                break
        self.assertNotEqual(answer.status, 200, answer)
        told = c.call("Explain", subject="collection", name="books").json()["explanation"]
        self.assertEqual(told["cause"], "journal_failed", told)
        os.remove(folder + "/ballast")
        until = time.monotonic() + 30
        while c.call("LoadCollection", collection="books").status != 200 and time.monotonic() < until:
            time.sleep(0.5)
        self.assertTrue(c.call("Explain", subject="collection", name="books").json()["explanation"]["served"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
