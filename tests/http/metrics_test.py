# Guards the figures: promtool reads them, the model's names are there, Muster's own keep its rules, and they follow what happens.
import re
import subprocess
import sys
import time
import unittest

from cluster import Cluster

MUSTER = sys.argv.pop(1)
# Under the model's names; promtool finds fault with some of them, which is the model's.
MODEL = """collection_num partition_num load_req_count release_req_count load_latency release_latency task_num querynode_num task_latency
resource_group_info resource_group_replica_total replica_ro_node_total last_heartbeat_timestamp""".split()


class Figures(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(MUSTER, nodes=2)
        self.addCleanup(self.cluster.end)

    def text(self):
        answer = self.cluster.ask("GET", "/metrics")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        return answer.body.decode("utf-8")

    def value(self, sample):
        found = re.search("^" + re.escape(sample) + r" (\S+)$", self.text(), re.MULTILINE)
        self.assertIsNotNone(found, sample)
        return float(found.group(1))

    def until(self, sample, wanted):
        deadline = time.monotonic() + 20
        while self.value(sample) != wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.value(sample), wanted, sample)

    def test_promtool_finds_no_fault_but_with_the_names_of_the_model(self):
        checked = subprocess.run(["promtool", "check", "metrics"], input=self.text().encode(), capture_output=True, check=False)
        faults = (checked.stdout + checked.stderr).decode().splitlines()
        self.assertIn(checked.returncode, (0, 3), faults)  # 1: it cannot be read; 3: read, with remarks
        self.assertEqual([f for f in faults if not f.startswith("milvus_querycoord_")], [])

    def test_each_family_has_help_and_type_and_each_of_the_model_is_there(self):
        text = self.text()
        for name in MODEL:
            self.assertRegex(text, rf"(?m)^# TYPE milvus_querycoord_{name} (gauge|counter|histogram)$")
        families = re.findall(r"(?m)^# TYPE (\S+) ", text)
        self.assertEqual(len(families), len(set(families)))
        for family in families:
            self.assertRegex(text, rf"(?m)^# HELP {family} \S.*$")

    def test_figures_follow_loads_and_releases(self):
        path, _ = self.cluster.vectors(200)
        self.cluster.run("import", "small", "--vectors", path, "--shards", "2", "--metric", "l2")
        self.assertEqual(self.value("milvus_querycoord_collection_num"), 0)
        self.cluster.run("load", "small", "--replicas", "2")
        self.until("milvus_querycoord_collection_num", 1)
        self.until("milvus_querycoord_partition_num", 1)
        self.until('milvus_querycoord_resource_group_replica_total{rg="__default_resource_group"}', 2)
        self.until('milvus_querycoord_resource_group_info{rg="__default_resource_group",node_id="1"}', 1)
        self.until("milvus_querycoord_querynode_num", 2)
        self.until("muster_serviceable_leaders", 4)
        self.until('milvus_querycoord_task_num{querycoord_task_type="channel_grow"}', 0)
        self.until('milvus_querycoord_task_latency_count{task_type="channel_grow"}', 4)
        self.assertEqual(self.value('milvus_querycoord_load_req_count{status="success"}'), 1)
        self.assertEqual(self.value("milvus_querycoord_load_latency_count"), 1)
        self.assertGreater(self.value('milvus_querycoord_last_heartbeat_timestamp{node_id="1"}'), 1.7e18)
        self.assertNotIn("collection_id", self.text(), "what grows with collections is off")
        self.assertEqual(self.cluster.call("LoadCollection", collection="absent").status, 404)
        self.assertEqual(self.value('milvus_querycoord_load_req_count{status="fail"}'), 1)
        self.assertEqual(self.value('milvus_querycoord_load_req_count{status="total"}'), 2)
        self.cluster.run("release", "small")
        self.until("milvus_querycoord_collection_num", 0)
        self.until("muster_node_segments{node_id=\"1\",node=\"node-1\"}", 0)
        self.assertEqual(self.value('milvus_querycoord_release_req_count{status="success"}'), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
