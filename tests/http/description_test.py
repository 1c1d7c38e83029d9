# Guards that the served OpenAPI description is true: every method and path is asked, and what goes in and comes out fits it.
import json
import subprocess
import sys
import unittest

from cluster import Cluster
from description import Description

MUSTER = sys.argv.pop(1)

# What each method is asked so that it succeeds, in an order in which it can. Those of which the answer does not matter to the others
# may come anywhere. `None`: it cannot succeed here without files; it is asked so that it is refused.
WALK = [
    ("GetComponentStates", {}), ("CheckHealth", {}), ("GetStatus", {}),
    ("ListCollections", {}), ("DescribeCollection", {"collection": "small"}), ("ListSegments", {"collection": "small"}),
    ("CreateDatabase", {"database": "other", "properties": [{"key": "database.replica.number", "value": "1"}]}),
    ("AlterDatabase", {"database": "other", "deletedKeys": ["database.replica.number"]}),
    ("DescribeDatabase", {"database": "other"}), ("ListDatabases", {}), ("DropDatabase", {"database": "other"}),
    ("CreatePartition", {"collection": "small", "partition": "more"}),
    ("LoadPartitions", {"collection": "small", "partitions": ["_default"], "replicaNumber": 1}),
    ("ShowLoadPartitions", {"collection": "small"}), ("GetPartitionStates", {"collection": "small"}),
    ("ReleasePartitions", {"collection": "small", "partitions": ["_default"]}),
    ("LoadCollection", {"collection": "small", "replicaNumber": 1, "header": {"deadline": "30000000000"}}),
    ("SyncNewCreatedPartition", {"collection": "small", "partition": "more"}),
    ("ShowLoadCollections", {}), ("GetLoadSegmentInfo", {"collection": "small"}), ("ListLoadedSegments", {}),
    ("GetReplicas", {"collection": "small", "withShardNodes": True}), ("GetShardLeaders", {"collections": ["small"]}),
    ("Search", {"collection": "small", "vectors": [[0.5] * 8], "k": 2}), ("Search", {"collection": "small", "vectors": [[0] * 8]}),
    ("UpdateLoadConfig", {"collections": ["small"], "replicaNumber": 1}),
    ("ListQueryNode", {}), ("GetQueryNodeDistribution", {"node": 1}), ("CheckQueryNodeDistribution", {"source": 1, "target": "1"}),
    ("CreateResourceGroup", {"name": "spare", "config": {"requests": 0, "limits": "0", "labels": []}}),
    ("UpdateResourceGroups", {"groups": [{"name": "spare", "config": {"requests": 0, "limits": 0}}]}),
    ("ListResourceGroups", {}), ("DescribeResourceGroup", {"name": "spare"}),
    ("TransferNode", None), ("TransferReplica", None), ("DropResourceGroup", {"name": "spare"}),
    ("ListCheckers", {}), ("DeactivateChecker", {"checker": "index_checker"}), ("ActivateChecker", {"checker": "4"}),
    ("SuspendBalance", {}), ("CheckBalanceStatus", {}), ("ResumeBalance", {}),
    ("SuspendNode", None), ("ResumeNode", {"node": 2}),
    ("LoadBalance", None), ("TransferSegment", None), ("TransferChannel", None),
    ("ShowConfigurations", {"pattern": "node_gone"}), ("AlterConfiguration", {"key": "node_gone_ms", "reset": True}),
    ("GetMetrics", {"request": '{"metric_type":"system_info"}'}), ("ListActors", {"name": "gateway"}),
    ("ListEvents", {"limit": 5, "withCandidates": True}), ("ListEvents", {"subject": "node", "name": "node-1"}),
    ("Explain", {"subject": "collection", "name": "small"}), ("Explain", {"subject": "node", "name": "node-1"}),
    ("WhatIf", {"addNodes": 1, "settings": [{"key": "queryCoord.balancer", "value": "RoundRobinBalancer"}]}), ("ListTasks", {"limit": 9}),
    ("Overview", {}), ("PlacementMap", {"measure": "memory"}), ("PlacementMap", {"node": 1}), ("GetStatus", {"parts": ["nodes"]}),
    ("TapActor", {"actor": "gateway", "perSecond": 10}), ("RestartActor", {"name": "segment_checker"}), ("SetLogLevel", {}),
    ("ReadJournal", {"limit": 50}),
    ("AllocateIds", {"count": 3}), ("RegisterImport", None), ("CreateIndex", None), ("DropIndex", None), ("Compact", None),
    ("ReleaseCollection", {"collection": "small"}), ("DropPartition", {"collection": "small", "partition": "more"}),
    ("DropCollection", {"collection": "small"}),
]


class Described(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(MUSTER, nodes=2, more=["--collection-figures"])
        path, cls.values = cls.cluster.vectors(200)
        cls.cluster.run("import", "small", "--vectors", path, "--shards", "2", "--metric", "l2")
        cls.cluster.run("import", "kept", "--vectors", path, "--shards", "1", "--metric", "l2")
        cls.cluster.run("load", "kept")
        cls.served = cls.cluster.ask("GET", "/openapi.json")
        cls.description = Description(cls.served.json())

    @classmethod
    def tearDownClass(cls):
        cls.cluster.end()

    def method(self, name, parameters):
        path = "/v1/" + name
        self.description.check_request(path, parameters)
        answer = self.cluster.ask("POST", path, parameters)
        return answer, self.description.check_answer("POST", path, answer)

    def test_the_command_prints_what_is_served(self):
        printed = subprocess.run([MUSTER, "openapi"], capture_output=True, check=True).stdout
        self.assertEqual(json.loads(printed), self.served.json())

    def test_every_method_is_as_described(self):
        walked = {name for name, _ in WALK}
        described = {path[4:] for path in self.description.whole["paths"] if path.startswith("/v1/")}
        self.assertEqual(described - walked, set(), "methods that this walk lacks")
        for name, parameters in WALK:
            with self.subTest(name):
                answer, _ = self.method(name, {} if parameters is None else parameters)
                if parameters is None:
                    self.assertIn(answer.status, range(400, 500), answer)
                else:
                    self.assertEqual(answer.status, 200, answer)

    def test_every_method_refuses_what_does_not_fit(self):
        for path in self.description.whole["paths"]:
            if not path.startswith("/v1/"):
                continue
            for body in {"noSuchField": 1}, {"header": 7}, {"header": {"deadline": "soon"}}:
                with self.subTest(path + json.dumps(body)):
                    self.assertFalse(self.description.fits_request(path, body))
                    answer = self.cluster.ask("POST", path, body)
                    self.assertEqual(answer.status, 400, answer)
                    self.assertEqual(self.description.check_answer("POST", path, answer)["name"], "parameter_invalid")

    def test_every_other_path_is_as_described(self):
        for path, operations in self.description.whole["paths"].items():
            if path.startswith("/v1/") or path == "/events":
                continue
            for verb in operations:
                with self.subTest(f"{verb} {path}"):
                    needed = [p["name"] for p in operations[verb].get("parameters", []) if p["required"]]
                    bare = self.cluster.ask(verb.upper(), path)
                    self.description.check_answer(verb.upper(), path, bare)
                    self.assertEqual(bare.status, 400 if needed else 200, bare)
        for path in "distribution", "targets", "replicas", "tasks", "segments", "channels":
            for query in "?collection=kept", "?collection=12345", "?collection=default/kept":
                with self.subTest(path + query):
                    answer = self.cluster.ask("GET", f"/debug/{path}{query}")
                    self.description.check_answer("GET", f"/debug/{path}", answer)
                    self.assertEqual(answer.status, 200, answer)
        self.assertEqual(len(self.cluster.ask("GET", "/debug/replicas?collection=kept").json()), 1)
        self.assertEqual(self.cluster.ask("GET", "/debug/replicas?collection=12345").json(), [])
        for path in "/debug/targets?scope=next", "/debug/segments?in=qc", "/debug/actors?name=gateway":
            answer = self.cluster.ask("GET", path)
            self.description.check_answer("GET", path.split("?")[0], answer)
            self.assertEqual(answer.status, 200, answer)
        for path in "/debug/segments?collection=absent", "/debug/segments?in=x", "/debug/actors?name=absent", "/debug/tasks?x=1":
            answer = self.cluster.ask("GET", path)
            self.description.check_answer("GET", path.split("?")[0], answer)
            self.assertIn(answer.status, (400, 409), answer)

    def test_the_paths_of_the_model_do_what_they_say(self):
        root = "/management/querycoord"
        status = lambda: self.cluster.ask("GET", root + "/balance/status").json()["status"]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for verb, path, body, wanted in (
                ("POST", "/balance/suspend", None, 200), ("POST", "/balance/resume", None, 200), ("GET", "/node/list", None, 200),
                ("POST", "/node/suspend", "node_id=2", 200), ("POST", "/node/resume", "node_id=2", 200),
                ("POST", "/node/suspend", "node_id=77", 500), ("POST", "/node/suspend", "node_id=two", 400),
                ("GET", "/distribution/get?node_id=1", None, 200), ("POST", "/distribution/get", "node_id=1", 200),
                ("GET", "/distribution/check?source_node_id=1&target_node_id=1", None, 200),
                ("POST", "/transfer/segment", "source_node_id=77&segment_id=5", 500), ("POST", "/transfer/channel", "source_node_id=77", 500),
                ("POST", "/transfer/segment?source_node_id=1&target_node_id=2&segment_id=99999", None, 500),
                ("POST", "/checkers/deactivate", "checker_id=4", 200), ("POST", "/checkers/activate", "checker_id=index_checker", 200)):
            with self.subTest(f"{verb} {path} {body}"):
                answer = self.cluster.ask(verb, root + path, body, form if body else None)
                self.assertEqual(answer.status, wanted, answer)
                self.description.check_answer(verb, root + path.split("?")[0], answer)
                if path == "/balance/suspend":
                    self.assertEqual(status(), "suspended")
        self.assertEqual(status(), "active")
        nodes = self.cluster.ask("GET", root + "/node/list").json()["nodeInfos"]
        self.assertEqual([n["ID"] for n in nodes], [1, 2])


if __name__ == "__main__":
    unittest.main(verbosity=2)
