# The console in the browser as files: all that pages name is served, whole, under a policy that keeps them to this door.
import os
import re
import sys
import unittest

from cluster import Cluster

MUSTER = sys.argv.pop(1)

WEB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "web")
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def sources():
    for folder, _, files in os.walk(WEB):
        for name in files:
            path = os.path.join(folder, name)
            yield os.path.relpath(path, WEB), path


def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(MUSTER, nodes=1, more=["--read-only"])

    @classmethod
    def tearDownClass(cls):
        cls.cluster.end()

    def get(self, path):
        return self.cluster.ask("GET", path)

    def test_each_file_is_served_as_it_is_with_its_type_and_policy(self):
        count = 0
        for name, path in sources():
            got = self.get("/" if name == "index.html" else "/console/" + name)
            self.assertEqual(got.status, 200, name)
            with open(path, "rb") as f:
                self.assertEqual(got.body, f.read(), name)
            self.assertEqual(got.headers["content-type"], TYPES[os.path.splitext(name)[1]], name)
            self.assertTrue(got.headers["content-security-policy"].startswith("default-src 'self';"), name)
            self.assertEqual(got.headers["x-content-type-options"], "nosniff")
            count += 1
        self.assertGreater(count, 10)

    def test_all_that_pages_import_and_name_is_there_and_nothing_else(self):
        named = {"index.html"}
        for name, path in sources():
            folder = os.path.dirname(name)
            content = text(path)
            for found in re.findall(r"""(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]""", content):
                named.add(os.path.normpath(os.path.join(folder, found)))
            named.update(re.findall(r"""["']/console/([^"']+)["']""", content))
        # The pages themselves are imported by the names of their routes.
        routes = re.search(r"const pages = \{(.*?)\};\nconst within = \{(.*?)\}", text(os.path.join(WEB, "app.js")), re.DOTALL)
        self.assertIsNotNone(routes)
        named.update(f"pages/{page}.js" for part in routes.groups() for page in re.findall(r"(\w+): '", part))
        self.assertEqual({name for name, _ in sources()}, named)

    def test_nothing_outside_is_named_and_nothing_is_inline(self):
        for name, path in sources():
            content = text(path)
            addresses = set(re.findall(r"https?://[^\s'\"`)]+", content)) - {"http://www.w3.org/2000/svg"}
            self.assertEqual(addresses, set(), name)
            self.assertNotIn("innerHTML", content, name)
            self.assertNotRegex(content, r"\beval\(|new Function\(|insertAdjacentHTML|document\.write", name)
            if name.endswith(".html"):
                self.assertNotRegex(content, r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", name)

    def test_a_door_that_only_reads_says_so_and_still_shows_the_console(self):
        self.assertEqual(self.get("/").status, 200)
        self.assertIs(self.get("/healthz").json()["readOnly"], True)

    def test_what_is_not_there_is_said_with_where_the_console_is(self):
        for path in ("/console/", "/console/nothing.js", "/console/..%2f..%2fREADME.md"):
            got = self.get(path)
            self.assertEqual(got.status, 404, path)
            self.assertIn("the console is at /", got.json()["reason"])
        self.assertEqual(self.cluster.ask("POST", "/").status, 405)


if __name__ == "__main__":
    unittest.main()
