# Guards the Python client: calls, errors, numbers of 64 bits, timeouts, and a stream of events that survives a restart.
import http.server
import pathlib
import socket
import sys
import threading
import unittest

from cluster import Cluster

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy/python"))
import muster  # noqa: E402

MUSTER = sys.argv.pop(1)
LARGE = 2**63 - 1


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(MUSTER, nodes=1)
        path, cls.values = cls.cluster.vectors(200)
        cls.cluster.run("import", "small", "--vectors", path, "--shards", "2", "--metric", "l2")
        cls.cluster.run("import", "123", "--vectors", path, "--shards", "1", "--metric", "l2")
        cls.client = muster.Client(cls.cluster.http)
        cls.id = cls.client.load("small")

    @classmethod
    def tearDownClass(cls):
        cls.cluster.end()

    def refused(self, name, method, **fields):
        with self.assertRaises(muster.Error) as caught:
            self.client.call(method, **fields)
        self.assertEqual(caught.exception.name, name)
        return caught.exception

    def test_a_search_finds_what_is_near(self):
        found = self.client.search("small", [self.values[:8], self.values[8:16]], k=3)
        self.assertEqual([[hit["id"] for hit in hits][0] for hits in found], [0, 1])
        self.assertEqual([len(hits) for hits in found], [3, 3])
        self.assertEqual(found[0][0]["distance"], 0.0)

    def test_load_and_release_are_seen(self):
        number = self.client.load("123", 1, ["__default_resource_group"])
        described = self.client.call("DescribeCollection", collection="123")["collection"]
        self.assertEqual(described["id"], number)
        self.assertEqual(described["name"], "123", "a text of digits stays a text")
        self.client.release("123")
        loaded = [c["name"] for c in self.client.call("GetStatus")["collections"]]
        self.assertEqual(loaded, ["small"])

    def test_every_method_is_reached_by_its_name_in_either_spelling(self):
        for method in "GetStatus", "getStatus":
            node, = self.client.call(method)["nodes"]
            self.assertIsInstance(node["id"], int)

    def test_numbers_of_64_bits_keep_all_digits_both_ways(self):
        self.assertIsInstance(self.id, int)
        for number in LARGE, 2**53 + 1:
            self.assertIn(f" {number} ", self.refused("segment_not_loaded", "GetLoadSegmentInfo", collection="small", segments=[number]).reason)
        segments = [s["id"] for s in self.client.call("ListSegments", collection="small")["segments"]]
        self.assertTrue(all(isinstance(s, int) for s in segments), segments)
        held = self.client.call("GetLoadSegmentInfo", collection="small", segments=segments)["segments"]
        self.assertEqual(sorted(s["id"] for s in held), sorted(segments))
        given = LARGE
        events = iter(self.client.events())
        self.client.call("SuspendBalance", header={"traceId": given})
        self.client.call("ResumeBalance")
        self.assertEqual(next(e for e in events if e["traceId"] == given)["kind"], "requestReceived")

    def test_explain_tells_the_state(self):
        told = self.client.explain("collection", "small")
        self.assertTrue(told["served"])
        self.assertIsInstance(told["situation"], int)
        self.assertTrue(self.client.explain("collection", self.id)["served"], "an id is as good as a name")

    def test_refusals_carry_all_that_the_coordinator_says(self):
        error = self.refused("collection_not_found", "LoadCollection", collection="absent")
        self.assertEqual((error.code, error.status, error.retriable), (100, 404, False))
        self.assertIn("absent", error.reason)
        self.assertIn("absent", str(error))
        self.assertIn("getStatus", self.refused("parameter_invalid", "GetStatsu").reason)
        self.assertIn("unknown", self.refused("parameter_invalid", "GetStatus", unknown=1).reason)
        with self.assertRaises(muster.Error) as caught:
            next(self.client.events(after="x"))
        self.assertEqual(caught.exception.status, 400)

    def test_ready_and_metrics_are_there(self):
        self.assertEqual(self.client.ready(), {"ready": True, "state": "Healthy", "reasons": []})
        self.assertIn("\nmuster_nodes{", self.client.metrics())

    def test_a_stream_that_may_not_be_opened_again_ends(self):
        events = self.client.events(reconnect=False)
        self.client.call("SuspendBalance")
        self.client.call("ResumeBalance")
        self.assertIsInstance(next(e for e in events if e["kind"] == "checkerSwitched")["number"], int)
        events.close()

    def test_an_address_is_checked(self):
        for wrong in "", "7780", "host:", ":1", "host:port":
            with self.assertRaisesRegex(ValueError, "HOST:PORT"):
                muster.Client(wrong)
        self.assertEqual(muster.Client("http://127.0.0.1:7780/").address, "127.0.0.1:7780")


class Unanswered(unittest.TestCase):
    def test_where_nobody_listens_nothing_was_done(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            client = muster.Client(f"127.0.0.1:{s.getsockname()[1]}")
            with self.assertRaises(muster.Unreachable) as caught:
                client.call("GetStatus")
            self.assertTrue(caught.exception.retriable)
            with self.assertRaises(muster.Unreachable):
                next(client.events(reconnect=False))

    def test_who_says_nothing_is_not_waited_for_longer_than_asked(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = muster.Client(f"127.0.0.1:{server.getsockname()[1]}", timeout_s=0.2)
            with self.assertRaisesRegex(muster.NoAnswer, "within 0.2 s") as caught:
                client.call("SuspendBalance")
            self.assertFalse(caught.exception.retriable)
            with self.assertRaisesRegex(muster.NoAnswer, "within 0.1 s"):
                client.call("SuspendBalance", timeout_s=0.1)

    def test_a_stranger_on_the_port_is_told_from_a_coordinator(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            sys.stderr = open("/dev/null", "w", encoding="ascii")  # the server tells there whom it answered
            with self.assertRaisesRegex(muster.NoAnswer, "HTTP door of a coordinator"):
                muster.Client(f"127.0.0.1:{server.server_port}").call("GetStatus")
        finally:
            sys.stderr.close()
            sys.stderr = sys.__stderr__
            thread.join()
            server.server_close()


class Restart(unittest.TestCase):
    def test_events_go_on_over_a_broken_stream_and_a_restart_of_the_coordinator(self):
        cluster = Cluster(MUSTER, nodes=1)
        self.addCleanup(cluster.end)
        client = muster.Client(cluster.http)
        events = client.events()
        client.call("SuspendBalance")
        seen = next(e for e in events if e["kind"] == "checkerSwitched")
        other = client.events(after=seen["number"])
        client.call("ResumeBalance")
        self.assertEqual(next(other)["number"], seen["number"] + 1, "none is missed and none comes twice")
        cluster.processes[0].end()
        with self.assertRaises(muster.Unreachable):
            client.call("GetStatus")
        cluster.start("again", "listening on ", "coordinator", "--data", cluster.folder + "/data", "--listen", cluster.coordinator,
                      "--http", cluster.http)
        client.call("SuspendNode", node=1)
        self.assertEqual(next(e for e in events if e["kind"] == "nodeSuspended")["node"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
