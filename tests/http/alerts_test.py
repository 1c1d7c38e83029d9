# Guards that operators are told of a killed node: a real Prometheus scrapes a real cluster, evaluates our rules and raises the alert.
"""usage: alerts_test.py MUSTER_BINARY; skipped (exit code 77) without prometheus

Real are the coordinator and its nodes, the SIGKILL, /metrics over HTTP, the Prometheus server of Debian and the file of rules as it is
delivered. Only its interval is other than operators have it: half a second instead of 15 s.
"""
import datetime
import json
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from cluster import Cluster, Process

MUSTER = sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 60


class Prometheus:
    def __init__(self, folder, target):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{s.getsockname()[1]}"
        (folder / "prometheus.yml").write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
            "rule_files": [str(ROOT / "deploy/prometheus/alerts.yml")],
            "scrape_configs": [{"job_name": "muster", "static_configs": [{"targets": [target]}]}]}), encoding="utf-8")
        self.process = Process(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/figures",
                                f"--web.listen-address={self.address}"], "", str(folder), "prometheus")

    def ask(self, path, **parameters):
        """None while it does not answer yet."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=PATIENCE_S) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def value(self, query):
        found = (self.ask("query", query=query) or {"result": []})["result"]
        return float(found[0]["value"][1]) if found else None

    def alerts(self):
        """Those that fire, by name."""
        return {a["labels"]["alertname"]: a for a in self.ask("alerts")["alerts"] if a["state"] == "firing"}

    def rules(self):
        return [rule for group in (self.ask("rules") or {"groups": []})["groups"] for rule in group["rules"]]


class Killed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(MUSTER, nodes=3)
        self.addCleanup(self.cluster.end)
        path, _ = self.cluster.vectors(200)
        self.cluster.run("import", "small", "--vectors", path, "--shards", "2", "--metric", "l2")
        self.cluster.run("load", "small", "--replicas", "2")
        self.prometheus = Prometheus(pathlib.Path(folder.name), self.cluster.http)
        self.addCleanup(self.prometheus.process.end)

    def until(self, what, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what}: {self.prometheus.ask('alerts')} {self.prometheus.process.text(self.prometheus.process.err)[-2000:]}")
            time.sleep(0.05)

    def evaluated(self):
        """All rules have been evaluated over figures that were scraped before."""
        scraped = self.prometheus.value('count_over_time(up{job="muster"}[1h])') or 0
        self.until("figures are scraped", lambda: (self.prometheus.value('count_over_time(up{job="muster"}[1h])') or 0) >= scraped + 4)
        wall = time.time()
        self.until("rules are evaluated", lambda: (rules := self.prometheus.rules()) and all(moment(r["lastEvaluation"]) > wall for r in rules))

    def test_the_alert_fires_on_a_killed_node_not_before_and_no_longer_than_it_is_gone(self):
        told = self.prometheus
        self.until("the coordinator is seen", lambda: told.value('up{job="muster"}') == 1)
        self.evaluated()
        self.until("3 nodes are connected", lambda: told.value('muster_nodes{state="connected"}') == 3)
        self.assertEqual([(r["name"], r["lastError"]) for r in told.rules() if r["health"] != "ok"], [])
        self.assertIn("MusterNodeGone", [r["name"] for r in told.rules()])
        self.assertEqual(told.alerts(), {}, "with all well there is no alert")

        killed = self.cluster.processes[-1]
        killed.process.send_signal(signal.SIGKILL)
        self.until("the alert fires", lambda: "MusterNodeGone" in told.alerts())
        alert = told.alerts()["MusterNodeGone"]
        self.assertEqual(alert["labels"], {"alertname": "MusterNodeGone", "instance": self.cluster.http, "job": "muster", "severity": "warning", "state": "gone"})
        self.assertEqual(alert["annotations"]["summary"], "1 query nodes are gone, more than within the last hour")
        self.assertTrue((ROOT / alert["annotations"]["runbook"]).is_file(), alert)
        self.until("2 nodes are connected", lambda: told.value('muster_nodes{state="connected"}') == 2)
        self.evaluated()
        self.assertEqual(set(told.alerts()), {"MusterNodeGone"}, "two nodes serve all: nothing else is wrong")

        self.cluster.start("node-3-again", "listening on ", "node", "--name", "node-3", "--join", self.cluster.coordinator, "--listen", "127.0.0.1:0",
                           "--data", f"{self.cluster.folder}/node-3")
        self.until("the alert ends", lambda: told.alerts() == {})
        self.until("3 nodes are connected", lambda: told.value('muster_nodes{state="connected"}') == 3)


def moment(text):
    """Seconds since 1970 of a time as Prometheus writes it, in UTC or with an offset; fractions are cut."""
    return datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    if shutil.which("prometheus") is None:
        print("skipped: there is no prometheus")
        sys.exit(77)
    unittest.main(verbosity=2)
