# Guards what operators watch with: alert rules and the dashboard name only figures that exist, and the rules fire when they must.
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from cluster import Cluster

MUSTER = sys.argv.pop(1)
DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus/alerts.yml"
TESTS = DEPLOY / "prometheus/alerts_test.yml"
RULE = re.compile(r''' - alert: (?P<alert>\w+)\n +expr: >-\n +(?P<expr>.+)\n(?: +for: .+\n)? +labels:\n +severity: (?P<severity>\w+)\n'''
                  r''' +annotations:\n +summary: "(?P<summary>.+)"\n +description: "(?P<description>.+)"\n +runbook: (?P<runbook>.+)\n''')
FIGURE = re.compile(r"\b(?:muster|milvus_querycoord)_[a-z0-9_]+\b")


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def rules():
    """Of the file, which keeps one shape, so that Python needs no reader of YAML."""
    text = RULES.read_text(encoding="utf-8")
    found = [m.groupdict() for m in RULE.finditer(text)]
    assert len(found) == text.count("alert:"), "a rule is written in another way than the others"
    return found


def written(file, value):
    """JSON, which is YAML too."""
    json.dump(value, file)
    file.flush()


def queries():
    """Of the dashboard: (panel, query)."""
    dashboard = json.loads((DEPLOY / "grafana/muster.json").read_text(encoding="utf-8"))
    found = [("a variable", v["query"]["query"]) for v in dashboard["templating"]["list"] if v["type"] == "query"]
    return found + [(p["title"], t["expr"]) for p in dashboard["panels"] for t in p.get("targets", ())]


class Rules(unittest.TestCase):
    def test_promtool_reads_them(self):
        self.assertEqual(promtool("check", "rules", RULES)[0], 0, promtool("check", "rules", RULES)[1])

    def test_each_fires_when_it_must_and_not_before(self):
        code, told = promtool("test", "rules", TESTS)
        self.assertEqual(code, 0, told)

    def test_each_has_such_a_test(self):
        tested = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n +- exp_labels:", TESTS.read_text(encoding="utf-8")))
        self.assertEqual({rule["alert"] for rule in rules()}, tested)

    def test_a_rule_that_never_fires_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            broken = RULES.read_text(encoding="utf-8").replace("muster_journal_writable == 0", "muster_journal_writable == 7")
            (folder / "alerts.yml").write_text(broken, encoding="utf-8")
            (folder / "alerts_test.yml").write_text(TESTS.read_text(encoding="utf-8"), encoding="utf-8")
            code, told = promtool("test", "rules", folder / "alerts_test.yml")
            self.assertNotEqual(code, 0)
            self.assertIn("MusterJournalRefused", told)


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(MUSTER, nodes=2, more=["--collection-figures"])
        path, _ = cls.cluster.vectors(200)
        cls.cluster.run("import", "small", "--vectors", path, "--shards", "2", "--metric", "l2")
        cls.cluster.run("load", "small")

    @classmethod
    def tearDownClass(cls):
        cls.cluster.end()

    def samples(self):
        """Of /metrics: {name with labels: value}."""
        text = self.cluster.ask("GET", "/metrics").body.decode("utf-8")
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))

    def test_rules_and_dashboard_name_only_figures_that_exist(self):
        there = {sample.partition("{")[0] for sample in self.samples()}
        asked = [(rule["alert"], rule["expr"]) for rule in rules()] + queries()
        self.assertGreater(len(asked), 40)
        wrong = [f"{where}: {name}" for where, query in asked for name in FIGURE.findall(query) if name not in there]
        self.assertEqual(wrong, [])
        self.assertEqual([where for where, query in asked if not FIGURE.search(query) and "up{" not in query], [])

    def test_the_dashboards_queries_can_be_read(self):
        # promtool of Debian 12 has no check of a query alone; a recording rule is one.
        recorded = {"groups": [{"name": "queries", "rules": [{"record": f"query:number_{i}", "expr": query}
                                                             for i, (where, query) in enumerate(queries()) if where != "a variable"]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
            written(file, recorded)
            code, told = promtool("check", "rules", file.name)
        self.assertEqual(code, 0, told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
