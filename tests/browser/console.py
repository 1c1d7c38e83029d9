# What the tests of the console share: a cluster with a browser in front of it, the parts of a page, and checks of any page.
import os
import pathlib
import re
import subprocess
import sys
import unittest

import webdriver
from webdriver import until

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))
from cluster import Cluster  # noqa: E402

CHECKS = (HERE / "checks.js").read_text(encoding="utf-8")
LEAST_CONTRAST = 4.5  # of text to what is behind it: WCAG 2 AA

# Roles of the accessibility tree that people act on.
CONTROLS = {"button", "link", "textbox", "searchbox", "combobox", "listbox", "slider", "spinbutton", "checkbox", "radio", "switch", "tab",
            "menuitem", "option", "DisclosureTriangle", "treeitem"}
NAMED = CONTROLS | {"dialog", "img", "image", "figure", "meter", "progressbar", "table", "grid", "tree", "Canvas", "navigation"}

# Whether a collection is loaded, pages ask by the same methods that refuse it when it is not; the browser notes each such answer.
NOT_LOADED = r"/v1/\w+ - Failed to load resource: the server responded with a status of 409"

LIST = """
const table = document.querySelector(`#page table[data-list="${arguments[0]}"]`);
if (!table) return null;
const words = (e) => e.textContent.replace(/\\s+/g, ' ').trim();
return {whole: table.getAttribute('aria-rowcount'),
        heads: [...table.querySelectorAll('thead th')].map((h) => words(h).toLowerCase()),
        rows: [...table.querySelectorAll('tbody tr[data-key]')].map((r) => ({key: r.dataset.key, cells: [...r.cells].map(words)}))};
"""
FIGURES = "return Object.fromEntries([...document.querySelectorAll('#page [data-figure]')].map((e) => [e.dataset.figure, e.dataset.value]))"
READY = "const p = document.querySelector('main#page'); return p && p.dataset.page === arguments[0] && p.getAttribute('aria-busy') === 'false'"


def digits(text):
    """Of a number as it is shown for people: 12,345 rows."""
    return re.sub(r"[^0-9]", "", text)


class Console(unittest.TestCase):
    """A cluster for all tests of a class, a browser for each; every test ends with a look into the browser's log."""

    nodes = 2
    more = ()
    noted = ()  # patterns of what the browser may note in all tests of the class

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(MUSTER, nodes=cls.nodes, more=cls.more)
        cls.addClassCleanup(cls.cluster.end)
        cls.browser = webdriver.Browser()
        cls.addClassCleanup(cls.browser.end)
        cls.fill()

    @classmethod
    def fill(cls):
        """What the cluster is to hold."""

    def setUp(self):
        self.expected = list(self.noted)
        self.addCleanup(self.check_log)

    def check_log(self):
        """No violation of the content security policy, no error that nobody caught, nothing that could not be loaded."""
        noted = [entry for entry in self.browser.log() if entry["level"] in ("SEVERE", "WARNING")]
        wrong = [f"{e['source']}: {e['message']}" for e in noted if not any(re.search(p, e["message"]) for p in self.expected)]
        self.assertEqual(wrong, [], "the browser noted what it must not")

    def expect_noted(self, pattern):
        """The browser itself notes each answer that is an error, and each connection that fails."""
        self.expected.append(pattern)

    # -- pages ------------------------------------------------------------------------

    @property
    def url(self):
        return f"http://{self.cluster.http}/"

    def open(self, route):
        """A page by its address, as a shared link is opened: nothing of an earlier page is left."""
        self.browser.go("about:blank")
        self.browser.go(self.url + route)
        self.shown(route)

    def shown(self, route, seconds=webdriver.PATIENCE_S):
        page = re.match(r"#/([a-z]*)", route).group(1)
        until(f"the page {route}", lambda: self.browser.script(READY, page), seconds)

    def list(self, name):
        return self.browser.script(LIST, name)

    def keys(self, name):
        """Keys of the rows of a list, in order."""
        found = self.list(name)
        self.assertIsNotNone(found, f"there is no list {name}")
        return [row["key"] for row in found["rows"]]

    def count(self, name):
        """Rows of a list, also those that are not rendered."""
        found = self.list(name)
        self.assertIsNotNone(found, f"there is no list {name}")
        return int(found["whole"] or len(found["rows"]))

    def cell(self, name, key, head):
        """What a row says below a head, or None."""
        found = self.list(name)
        if found is None:
            return None
        column = next((i for i, h in enumerate(found["heads"]) if h.startswith(head)), None)
        self.assertIsNotNone(column, f"{name} has no column {head}: {found['heads']}")
        return next((row["cells"][column] for row in found["rows"] if row["key"] == str(key)), None)

    def figures(self):
        return self.browser.script(FIGURES)

    def until_listed(self, name, keys, seconds=webdriver.PATIENCE_S):
        """The list has exactly these rows, in any order."""
        wanted = sorted(map(str, keys))
        seen = []

        def listed():
            seen[:] = sorted(row["key"] for row in (self.list(name) or {"rows": ()})["rows"])
            return seen == wanted

        until(lambda: f"{name} to list {wanted}, not {seen}", listed, seconds)

    def picture(self, name):
        """Into the folder for screenshots, if there is one."""
        os.makedirs(SCREENSHOTS or self.cluster.folder, exist_ok=True)
        self.browser.screenshot(os.path.join(SCREENSHOTS or self.cluster.folder, name + ".png"))

    # -- what is to be known ----------------------------------------------------------

    @classmethod
    def ask(cls, method, **parameters):
        answer = cls.cluster.call(method, **parameters)
        assert answer.status == 200, answer
        return answer.json()

    def check(self, which, *arguments):
        found = self.browser.script(CHECKS, which, *arguments)
        self.assertEqual(found["wrong"], [], f"{which} of {self.browser.url()}")
        return found["looked"]

    def check_names(self):
        """Everything that people act on, and every table and picture, has a name that a screen reader can say."""
        nodes = [n for n in self.browser.accessibility() if n["role"] in NAMED]
        wrong = [f"{n['role']}: {self.browser.markup(n['element'])}" for n in nodes if not n["name"].strip()]
        self.assertEqual(wrong, [], f"without a name at {self.browser.url()}")
        return len(nodes)


class Sample(Console):
    """Collections as operators have them: `books` in two replicas, one of another database, one that is not loaded, and one that cannot
    be loaded because a file of it is missing."""

    nodes = 3
    noted = (NOT_LOADED,)
    stuck = True

    @classmethod
    def fill(cls):
        cluster = cls.cluster
        path, _ = cluster.vectors(400)
        cluster.run("create-database", "archive")
        for name, shards in ("books", "2"), ("archive/films", "1"), ("shelved", "1"), ("stuck", "1"):
            cluster.run("import", name, "--vectors", path, "--shards", shards, "--segment-rows", "50", "--metric", "l2")
        cluster.run("load", "books", "--replicas", "2")
        cluster.run("load", "archive/films")
        if cls.stuck:
            file = os.path.join(cluster.folder, "store", cls.ask("ListSegments", collection="stuck")["segments"][0]["file"])
            os.rename(file, file + ".away")
            cls.begin("load", "stuck")
            until("the load that cannot be done to be known", lambda: cls.explanation("collection", "stuck").get("cause") == "segment_file_missing")

    @classmethod
    def begin(cls, *arguments):
        """A command that may wait for long: it is not waited for."""
        process = subprocess.Popen([MUSTER, *arguments, "--coordinator", cls.cluster.coordinator], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def end():
            process.kill()
            process.wait()

        cls.addClassCleanup(end)

    @classmethod
    def explanation(cls, subject, name):
        answer = cls.cluster.call("Explain", subject=subject, name=name)
        return answer.json()["explanation"] if answer.status == 200 else {}


MUSTER = ""
SCREENSHOTS = None  # the folder they go to


def main():
    """usage: [SCREENSHOTS=FOLDER] X_test.py MUSTER_BINARY [TEST...]"""
    global MUSTER, SCREENSHOTS
    if webdriver.missing():
        print(f"{webdriver.missing()} is not installed; ./deploy/test browser does that", file=sys.stderr)
        sys.exit(77)
    MUSTER = os.path.abspath(sys.argv.pop(1))
    SCREENSHOTS = os.environ.get("SCREENSHOTS")
    unittest.main(verbosity=2, warnings=os.environ.get("W"))
