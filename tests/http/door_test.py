# Guards the HTTP door of a coordinator: limits, who is let in, what is answered, and that nothing ends it.
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from cluster import Cluster

MUSTER = sys.argv.pop(1)


class Door(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(MUSTER, nodes=1)
        path, cls.values = cls.cluster.vectors(200)
        cls.cluster.run("import", "small", "--vectors", path, "--shards", "2", "--metric", "l2")
        answer = cls.cluster.call("LoadCollection", collection="small")
        assert answer.status == 200, answer

    @classmethod
    def tearDownClass(cls):
        cls.cluster.end()

    def ask(self, *arguments, **more):
        return self.cluster.ask(*arguments, **more)

    def refused(self, answer, status, name, words=""):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/json")
        error = answer.json()
        self.assertEqual(error["name"], name, answer)
        self.assertIn(words, error["reason"])
        return error

    def test_a_method_is_asked_and_answered_in_json(self):
        status = self.cluster.call("GetStatus").json()
        self.assertEqual([c["name"] for c in status["collections"]], ["small"])

    def test_a_search_goes_to_the_nodes_and_comes_back_whole(self):
        found = self.cluster.call("Search", collection="small", vectors=[self.values[:8], self.values[8:16]], k=3)
        self.assertEqual(found.status, 200, found)
        hits = [[h["id"] for h in q["hits"]] for q in found.json()["queries"]]
        self.assertEqual([h[0] for h in hits], ["0", "1"])
        self.assertEqual([len(h) for h in hits], [3, 3])
        self.assertEqual(len(found.json()["served"]), 2)
        self.refused(self.cluster.call("Search", collection="absent", vectors=[[1.0] * 8], deadlineMs=300), 409,
                     "collection_not_loaded")
        self.refused(self.cluster.call("Search", collection="small", vectors=[[1.0] * 5]), 400, "parameter_invalid", "dimension")

    def test_errors_of_the_coordinator_have_a_status_and_a_reason(self):
        self.refused(self.cluster.call("LoadCollection", collection="absent"), 404, "collection_not_found", "absent")
        self.refused(self.cluster.call("DropCollection", collection="small"), 409, "collection_loaded", "release it first")

    def test_what_is_no_request_is_refused_with_advice(self):
        json = {"Content-Type": "application/json"}
        self.refused(self.ask("POST", "/v1/GetStatus", "{bad", json), 400, "parameter_invalid", "JSON")
        self.refused(self.ask("POST", "/v1/GetStatus", '{"foo":1}', json), 400, "parameter_invalid", "foo")
        self.refused(self.ask("POST", "/v1/GetStatus", "[" * 100, json), 400, "parameter_invalid")
        self.refused(self.ask("POST", "/v1/GetStatsu", {}), 404, "parameter_invalid", "getStatus")
        self.refused(self.ask("GET", "/nothing"), 404, "parameter_invalid", "/openapi.json")
        self.refused(self.ask("POST", "/v1/GetStatus", "{}", {"Content-Type": "text/plain"}), 415, "parameter_invalid")
        wrong = self.ask("GET", "/v1/GetStatus")
        self.refused(wrong, 405, "parameter_invalid")
        self.assertEqual(wrong.headers["allow"], "POST")

    def test_a_body_or_header_that_is_too_large_is_refused(self):
        json = {"Content-Type": "application/json"}
        self.refused(self.ask("POST", "/v1/GetStatus", b" " * (9 << 20), json), 413, "parameter_invalid", "bytes")
        piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        self.refused(self.ask("POST", "/v1/GetStatus", piece * 9 + b"0\r\n\r\n", {**json, "Transfer-Encoding": "chunked"}), 413,
                     "parameter_invalid", "bytes")
        fine = self.ask("POST", "/v1/GetStatus", b"2\r\n{}\r\n0\r\n\r\n", {**json, "Transfer-Encoding": "chunked"})
        self.assertEqual(fine.status, 200, fine)
        self.refused(self.ask("GET", "/healthz", headers={"X-Long": "x" * 20000}), 431, "parameter_invalid", "bytes")

    def test_only_this_host_and_its_own_pages_are_let_in(self):
        self.refused(self.ask("GET", "/healthz", host="evil.example"), 403, "forbidden")
        self.refused(self.ask("GET", "/healthz", headers={"Host": None}), 403, "forbidden")
        self.refused(self.ask("POST", "/v1/GetStatus", {}, {"Origin": "http://evil.example"}), 403, "forbidden")
        self.refused(self.ask("GET", "/events", headers={"Origin": "null"}), 403, "forbidden")
        own = self.ask("POST", "/v1/GetStatus", {}, {"Origin": "http://" + self.cluster.http})
        self.assertEqual(own.status, 200, own)
        self.assertNotIn("access-control-allow-origin", own.headers)
        local = self.ask("GET", "/healthz", host=f"localhost:{self.cluster.port}")
        self.assertEqual(local.status, 200, local)

    def test_it_is_alive_and_ready(self):
        self.assertEqual(self.ask("GET", "/healthz").json()["state"], "alive")
        ready = self.ask("GET", "/readyz")
        self.assertEqual((ready.status, ready.json()), (200, {"ready": True, "state": "Healthy", "reasons": []}))
        head = self.ask("HEAD", "/readyz")
        self.assertEqual((head.status, head.body), (200, b""))

    def test_a_coordinator_that_is_at_work_is_ready_all_the_time(self):
        enough = threading.Event()
        changes = []

        def change():
            while not enough.is_set():
                changes.append(self.cluster.call("SuspendBalance" if len(changes) % 2 == 0 else "ResumeBalance"))
            self.cluster.call("ResumeBalance")

        worker = threading.Thread(target=change)
        worker.start()
        try:
            answers = []
            while len(answers) < 100 or len(changes) < 50:
                answers.append(self.ask("GET", "/readyz"))
        finally:
            enough.set()
            worker.join()
        self.assertEqual([a for a in answers + changes if a.status != 200], [])

    def test_garbage_ends_its_connection_and_nothing_else(self):
        for garbage in b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n\r\n", b"POST /v1/GetStatus HTTP/1.1\r\n" \
                b"Content-Length: x\r\n\r\n", b"x" * 200_000:
            with socket.create_connection(("127.0.0.1", self.cluster.port), timeout=10) as s:
                try:
                    s.sendall(garbage)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                except OSError:
                    pass  # it had been closed already
        self.assertEqual(self.ask("GET", "/healthz").status, 200)

    def test_a_connection_serves_many_requests(self):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.port, timeout=10)
        for _ in range(50):
            connection.request("POST", "/v1/CheckHealth", "{}", {"Content-Type": "application/json"})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            answer.read()
        connection.close()

    def test_a_client_that_is_killed_in_a_request_leaves_nothing_behind(self):
        script = ("import socket,sys,time\ns=socket.create_connection(('127.0.0.1',int(sys.argv[1])))\n"
                  "s.sendall(b'POST /v1/LoadCollection HTTP/1.1\\r\\nHost: 127.0.0.1:'+sys.argv[1].encode()+b'\\r\\n"
                  "Content-Type: application/json\\r\\nContent-Length: 100\\r\\n\\r\\n{\"coll')\nprint('sent',flush=True)\ntime.sleep(60)\n")
        for _ in range(5):
            client = subprocess.Popen([sys.executable, "-c", script, str(self.cluster.port)], stdout=subprocess.PIPE)
            client.stdout.readline()
            client.send_signal(signal.SIGKILL)
            client.wait()
            client.stdout.close()
        until = time.monotonic() + 20
        while self.descriptors() > self.descriptors_at_rest() and time.monotonic() < until:
            time.sleep(0.02)
        self.assertLessEqual(self.descriptors(), self.descriptors_at_rest())
        self.assertEqual(self.cluster.call("GetStatus").status, 200)

    def descriptors(self):
        """Sockets of the coordinator that are connected to its HTTP port."""
        port = f":{self.cluster.port:04X}"
        with open("/proc/net/tcp", encoding="ascii") as f:
            return sum(1 for line in f if line.split()[1].endswith(port) and line.split()[3] not in ("0A", "06"))

    def descriptors_at_rest(self):
        return 0


class ReadOnly(unittest.TestCase):
    def test_nothing_can_be_changed_through_a_door_that_only_reads(self):
        cluster = Cluster(MUSTER, nodes=1, more=["--read-only"])
        self.addCleanup(cluster.end)
        for verb, path, body in ("POST", "/v1/CreateDatabase", {"database": "x"}), ("POST", "/v1/AllocateIds", {"count": 1}), \
                ("POST", "/management/querycoord/balance/suspend", None):
            answer = cluster.ask(verb, path, body)
            self.assertEqual((answer.status, answer.json()["name"]), (403, "forbidden"), answer)
            self.assertIn("--read-only", answer.json()["reason"])
        self.assertEqual(len(cluster.call("ListDatabases").json()["databases"]), 1)
        self.assertEqual(cluster.ask("GET", "/management/querycoord/balance/status").json(), {"msg": "OK", "status": "active"})
        cluster.run("create-database", "x")
        self.assertEqual(len(cluster.call("ListDatabases").json()["databases"]), 2, "native clients are not restricted by it")


class Readiness(unittest.TestCase):
    def test_a_coordinator_whose_journal_cannot_be_written_is_alive_and_not_ready(self):
        cluster = Cluster(MUSTER, nodes=1, environment={"LD_PRELOAD": os.environ["FULL_DISK"], "MUSTER_FULL_DISK": "{folder}/full",
                                                        "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.addCleanup(cluster.end)
        self.assertEqual(cluster.ask("GET", "/readyz").status, 200)
        with open(cluster.folder + "/full", "wb"):
            pass
        answer = cluster.call("SuspendBalance")
        self.assertEqual((answer.status, answer.json()["name"]), (503, "journal_failed"), answer)
        self.assertEqual(cluster.ask("GET", "/healthz").status, 200)
        ready = cluster.ask("GET", "/readyz")
        self.assertEqual((ready.status, ready.json()["ready"]), (503, False), ready)
        self.assertIn("journal", ready.json()["reasons"][0])
        self.assertIn(b"\nmuster_journal_writable 0\n", cluster.ask("GET", "/metrics").body)
        self.assertEqual(cluster.call("GetStatus").status, 200, "reads are answered")
        os.remove(cluster.folder + "/full")
        until = time.monotonic() + 30
        while cluster.ask("GET", "/readyz").status != 200 and time.monotonic() < until:
            time.sleep(0.05)  # whoever asks has it tried, now and then
        self.assertEqual(cluster.ask("GET", "/readyz").json()["reasons"], [])
        self.assertIn(b"\nmuster_journal_writable 1\n", cluster.ask("GET", "/metrics").body)


def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Off(unittest.TestCase):
    def test_without_the_door_nothing_listens_for_it(self):
        with tempfile.TemporaryDirectory() as folder, open(folder + "/out", "w+b") as out:
            process = subprocess.Popen([MUSTER, "coordinator", "--data", folder + "/d", "--store", folder + "/s", "--listen",
                                        "127.0.0.1:0", "--http", "off"], stdout=out, stderr=subprocess.DEVNULL)
            try:
                until = time.monotonic() + 20
                while ", epoch" not in text(folder + "/out") and time.monotonic() < until:
                    time.sleep(0.01)
                self.assertNotIn("http", text(folder + "/out"))
                inodes = {os.readlink(f"/proc/{process.pid}/fd/{f}") for f in os.listdir(f"/proc/{process.pid}/fd")}
                sockets = [line.split() for line in text("/proc/net/tcp").splitlines()[1:]]
                ours = [x for x in sockets if x[3] == "0A" and f"socket:[{x[9]}]" in inodes]
                self.assertEqual(len(ours), 1, "the door of nodes and native clients alone")
            finally:
                process.terminate()
                process.wait(20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
