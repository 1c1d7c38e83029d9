# A coordinator and nodes as real processes on loopback, and what is needed to ask them over HTTP.
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from description import Description

PATIENCE_S = 30


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Process:
    """Ended with SIGKILL when nothing else ended it."""

    def __init__(self, arguments, ready, folder, name, more_environment=None):
        self.out = open(os.path.join(folder, name + ".out"), "w+b")
        self.err = open(os.path.join(folder, name + ".err"), "w+b")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        environment.update(more_environment or {})
        self.process = subprocess.Popen(arguments, stdout=self.out, stderr=self.err, env=environment)
        until = time.monotonic() + PATIENCE_S
        while ready not in self.text():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{name} did not start: {self.text()} {self.text(self.err)}")
            time.sleep(0.01)

    def text(self, which=None):
        with open((which or self.out).name, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.out.close()
        self.err.close()


class Cluster:
    def __init__(self, muster, nodes=1, more=(), environment=None, data=None):
        """`environment`: of the coordinator; {folder} in it is that of the cluster. `data`: its data folder, if it is elsewhere."""
        self.muster = muster
        self.description = None  # As served; asked for once.
        self.folder = tempfile.mkdtemp(prefix="muster-http.")
        self.processes = []
        os.mkdir(self.folder + "/store")
        try:
            given = {k: v.format(folder=self.folder) for k, v in (environment or {}).items()}
            coordinator = self.start("coordinator", "listening on ", "coordinator", "--data", data or self.folder + "/data",
                                     "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *more, environment=given)
            line = coordinator.text()
            self.coordinator = line.split("listening on ")[1].split(",")[0]
            self.http = line.split(", http ")[1].split(",")[0]
            self.port = int(self.http.split(":")[1])
            for i in range(1, nodes + 1):
                self.start(f"node-{i}", "listening on ", "node", "--name", f"node-{i}", "--join", self.coordinator,
                           "--listen", "127.0.0.1:0", "--data", f"{self.folder}/node-{i}")
            self.run("wait", "--nodes", str(nodes), "--timeout-s", "20")
        except BaseException:
            self.end()
            raise

    def start(self, name, ready, *arguments, environment=None):
        store = [] if arguments[0] == "fleet" else ["--store", self.folder + "/store"]  # its segments are simulated
        process = Process([self.muster, *arguments, *store], ready, self.folder, name, environment)
        self.processes.append(process)
        return process

    def run(self, *arguments):
        more = ["--store", self.folder + "/store"] if arguments[0] == "import" else []
        done = subprocess.run([self.muster, *arguments, "--coordinator", self.coordinator, *more], capture_output=True,
                              timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError(f"muster {arguments[0]}: {done.stderr.decode()}")
        return done.stdout.decode()

    def vectors(self, rows, dimension=8):
        """A .npy matrix of rows that differ."""
        import struct
        path = f"{self.folder}/{rows}x{dimension}.npy"
        head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dimension}), }}"
        head += " " * (63 - (10 + len(head)) % 64) + "\n"
        values = [float((r * 7 + d * 3) % 101) + r / 1000 for r in range(rows) for d in range(dimension)]
        with open(path, "wb") as f:
            f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values))
        return path, values

    def ask(self, verb, path, body=None, headers=None, host=None):
        """One request on a connection of its own. A dictionary as body is JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        given = {"Host": host or self.http}
        if isinstance(body, dict):
            body = json.dumps(body)
            given["Content-Type"] = "application/json"
        given.update(headers or {})
        try:
            connection.putrequest(verb, path, skip_host=True, skip_accept_encoding=True)
            data = body.encode() if isinstance(body, str) else body
            if data is not None and "Transfer-Encoding" not in given:
                given["Content-Length"] = str(len(data))
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            if data is not None:
                try:
                    connection.send(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # answered before all of it was sent
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def call(self, method, **parameters):
        """A request as the door describes it; it and its answer are held against the description."""
        if self.description is None:
            self.description = Description(self.ask("GET", "/openapi.json").json())
        path = "/v1/" + method
        self.description.check_request(path, parameters)
        answer = self.ask("POST", path, parameters)
        self.description.check_answer("POST", path, answer)
        return answer

    def end(self):
        for process in reversed(self.processes):
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)
