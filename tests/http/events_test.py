# Guards the stream of events: what happens comes as it happens, and who lost it goes on where he was.
import json
import socket
import subprocess
import sys
import time
import unittest

from cluster import Cluster
from description import Description

MUSTER = sys.argv.pop(1)


class Stream:
    """Server-sent events, read one by one."""

    def __init__(self, cluster, path="/events", last=None):
        self.socket = socket.create_connection(("127.0.0.1", cluster.port), timeout=30)
        head = f"GET {path} HTTP/1.1\r\nHost: {cluster.http}\r\n" + (f"Last-Event-ID: {last}\r\n" if last is not None else "") + "\r\n"
        self.socket.sendall(head.encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
        self.buffer = b""

    def block(self):
        """What comes up to the next empty line."""
        while b"\n\n" not in self.buffer:
            size = int(self.file.readline(), 16)  # sent in pieces
            if size == 0:
                raise EOFError
            self.buffer += self.file.read(size)
            self.file.readline()
        block, self.buffer = self.buffer.split(b"\n\n", 1)
        return block.decode("utf-8")

    def event(self):
        """The next event as (id, event)."""
        while True:
            lines = [line.partition(": ") for line in self.block().split("\n") if not line.startswith(":")]
            fields = {name: value for name, _, value in lines}
            if "data" in fields:
                return int(fields["id"]), json.loads(fields["data"])

    def until(self, kind, **wanted):
        while True:
            number, event = self.event()
            if event["kind"] == kind and all(event.get(k) == v for k, v in wanted.items()):
                return number, event

    def close(self):
        self.file.close()
        self.socket.close()


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(MUSTER, nodes=1)
        path, _ = cls.cluster.vectors(100)
        cls.cluster.run("import", "small", "--vectors", path, "--shards", "1", "--metric", "l2")

    @classmethod
    def tearDownClass(cls):
        cls.cluster.end()

    def stream(self, **more):
        s = Stream(self.cluster, **more)
        self.addCleanup(s.close)
        self.assertEqual(s.status, 200)
        self.assertEqual(s.headers["content-type"], "text/event-stream")
        return s

    def test_what_happens_comes_in_order_and_a_lost_stream_goes_on_where_it_was(self):
        s = self.stream()
        self.cluster.run("load", "small")
        loaded, event = s.until("collectionLoaded")
        self.assertEqual(str(loaded), event["number"])
        s.close()
        self.cluster.run("release", "small")
        again = self.stream(last=loaded)
        number, _ = again.event()
        self.assertEqual(number, loaded + 1, "nothing is left out and nothing comes twice")
        again.until("collectionReleased")
        after = self.stream(path=f"/events?after={loaded}")
        self.assertEqual(after.event()[0], loaded + 1)

    def test_who_knows_a_number_of_an_earlier_start_begins_anew(self):
        # What a new stream begins with is the last events: all of them, here.
        first = int(self.cluster.call("ListEvents", limit=10000).json()["events"][0]["number"])
        s = self.stream(last=10**15)
        number, _ = s.event()
        self.assertEqual(number, first)
        early = self.stream(last=1)  # as an earlier start may have told, with more events than this one has
        self.assertEqual(early.event()[0], first)

    def test_events_are_as_described(self):
        description = Description(self.cluster.ask("GET", "/openapi.json").json())
        event = description.validator({"$ref": "#/components/schemas/Event"})
        s = self.stream()
        self.cluster.run("suspend-balance")
        self.cluster.run("resume-balance")
        seen = set()
        while "checkerSwitched" not in seen:
            _, found = s.event()
            event.validate(found)
            seen.add(found["kind"])
        self.assertIn("nodeJoined", seen, "a new stream begins with the last events")

    def test_a_number_that_is_none_is_refused(self):
        s = Stream(self.cluster, last="x")
        self.addCleanup(s.close)
        self.assertEqual(s.status, 400)


class Places(unittest.TestCase):
    def test_one_stream_too_many_is_refused_until_another_has_gone(self):
        cluster = Cluster(MUSTER, nodes=1)
        self.addCleanup(cluster.end)
        script = ("import socket,sys\ns=socket.create_connection(('127.0.0.1',int(sys.argv[1])))\n"
                  "s.sendall(('GET /events HTTP/1.1\\r\\nHost: 127.0.0.1:'+sys.argv[1]+'\\r\\n\\r\\n').encode())\n"
                  "print(s.recv(15),flush=True)\nsys.stdin.read()\n")
        clients = [subprocess.Popen([sys.executable, "-c", script, str(cluster.port)], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE) for _ in range(32)]
        try:
            answers = [c.stdout.readline() for c in clients]
            self.assertEqual(sum(b"200" in a for a in answers), 32, answers)
            refused = cluster.ask("GET", "/events")
            self.assertEqual((refused.status, refused.json()["name"]), (429, "too_many_requests"), refused)
        finally:
            for c in clients:
                c.kill()
                c.wait()
                c.stdin.close()
                c.stdout.close()
        # That they have gone is seen though there is nothing to tell them, long before a stream says that nothing happens.
        until = time.monotonic() + 10
        while True:
            s = Stream(cluster)
            self.addCleanup(s.close)
            if s.status == 200 or time.monotonic() > until:
                break
        self.assertEqual(s.status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
