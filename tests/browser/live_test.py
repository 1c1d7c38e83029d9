# Guards that pages show what happens as it happens, without a reload; that a coordinator which is away is told, and found when it is back.
import re
import signal

import console
import webdriver
from webdriver import until

NOTED_WHILE_AWAY = ("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|cannot be reached|"
                    "Failed to fetch dynamically imported module")


class Live(console.Sample):
    def setUp(self):
        super().setUp()
        # Also of a test that failed half-way: the next one finds the sample as it is.
        self.addCleanup(self.cluster.run, "release", "shelved")

    def open(self, route):
        super().open(route)
        self.browser.script("window.opened_once = true")

    def check_log(self):
        super().check_log()
        self.assertTrue(self.browser.script("return window.opened_once === true"), "the page was loaded anew")

    def test_a_load_and_a_release_arrive_in_the_list_of_collections(self):
        self.open("#/collections")
        key = self.collection("shelved")["id"]
        self.assertIn("released", self.cell("collections", key, "state"))
        self.cluster.run("load", "shelved")
        until("the collection to be shown as loaded", lambda: "loaded" in self.cell("collections", key, "state"))
        self.cluster.run("release", "shelved")
        until("the collection to be shown as released", lambda: "released" in self.cell("collections", key, "state"))

    def collection(self, name):
        return self.ask("DescribeCollection", collection=name)["collection"]

    def test_a_node_that_joins_and_one_that_is_killed_arrive_in_the_list_of_nodes(self):
        self.open("#/nodes")
        self.until_listed("nodes", [n["id"] for n in self.ask("GetStatus")["nodes"]])
        node = self.cluster.start("late", "listening on ", "node", "--name", "late", "--join", self.cluster.coordinator, "--listen",
                                  "127.0.0.1:0", "--data", self.cluster.folder + "/late")
        late = until("the new node to be known", lambda: next((n["id"] for n in self.ask("GetStatus")["nodes"] if n["name"] == "late"), None))
        until("the new node to be shown", lambda: "connected" in (self.cell("nodes", late, "state") or ""))
        node.end(9)
        until("the killed node to be shown as gone", lambda: "gone" in self.cell("nodes", late, "state"))

    def test_what_changes_arrives_on_the_overview(self):
        self.open("#/overview")
        before = int(self.figures()["collections"])
        seen = self.keys("changes")
        self.cluster.run("load", "shelved")
        until("the figure of collections to grow", lambda: int(self.figures()["collections"]) == before + 1)
        until("the change to be told", lambda: set(self.keys("changes")) - set(seen))
        self.cluster.run("release", "shelved")
        until("the figure of collections to fall", lambda: int(self.figures()["collections"]) == before)

    def test_an_event_arrives_in_the_list_of_events(self):
        self.open("#/events")
        self.cluster.run("suspend-balance")
        self.cluster.run("resume-balance")
        events = [e["number"] for e in self.ask("ListEvents", limit=1000)["events"] if e["kind"] == "checkerSwitched"]
        until("both switches to be shown", lambda: set(events[-2:]) <= set(self.keys("events")))

    def test_tasks_arrive_in_the_list_of_tasks(self):
        self.open("#/tasks")
        self.cluster.run("load", "shelved")
        collection = self.collection("shelved")["id"]
        tasks = {t["id"] for t in self.ask("ListTasks", collection="shelved")["tasks"] if t["collection"] == collection}
        self.assertTrue(tasks)
        until("the tasks of the load to be shown", lambda: tasks <= set(self.keys("tasks")))
        self.cluster.run("release", "shelved")

    def test_a_replica_that_is_added_arrives_on_the_page_of_its_collection(self):
        self.open("#/collection/archive%2Ffilms")
        self.assertEqual(self.count("replicas"), 1)
        self.cluster.run("load", "archive/films", "--replicas", "2")
        self.until_listed("replicas", [r["id"] for r in self.ask("GetReplicas", collection="archive/films")["replicas"]])
        self.assertEqual(self.count("replicas"), 2)
        self.cluster.run("load", "archive/films", "--replicas", "1")
        until("the replica to be gone", lambda: self.count("replicas") == 1)

    def test_what_a_node_gets_arrives_on_its_page(self):
        self.open("#/node/2")
        key = self.collection("shelved")["id"]

        def held():
            return key in [each.partition("/")[0] for each in self.keys("holdings")]  # collection/replica

        self.assertFalse(held())
        self.cluster.run("load", "shelved")
        until("the collection among what the node has", held)
        self.cluster.run("release", "shelved")
        until("the collection to be gone from what the node has", lambda: not held())

    def test_a_setting_that_is_changed_elsewhere_arrives(self):
        self.open("#/settings")
        key = "queryCoord.balanceSegmentBatchSize"
        self.cluster.run("call", "alterConfiguration", f'{{"key":"{key}","value":"7"}}')
        until("the new value to be shown", lambda: self.cell("settings", key, "value") == "7")
        self.cluster.run("call", "alterConfiguration", f'{{"key":"{key}","reset":true}}')
        until("the old value to be shown", lambda: self.cell("settings", key, "value") == "5")

    def test_a_checker_that_is_paused_elsewhere_arrives(self):
        self.open("#/settings")
        self.cluster.run("deactivate-checker", "index_checker")
        until("the checker to be shown as paused", lambda: self.browser.has('[data-action="activate-checker"][data-key="index_checker"]'))
        self.cluster.run("activate-checker", "index_checker")
        until("the checker to be shown as active", lambda: self.browser.has('[data-action="deactivate-checker"][data-key="index_checker"]'))

    def test_figures_of_actors_move(self):
        self.open("#/actors")
        before = self.cell("actors", "gateway", "handled")
        until("the gateway to have handled more", lambda: self.cell("actors", "gateway", "handled") != before)


class Quiet(console.Sample):
    """What pages ask for, seen on the wire."""

    stuck = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wire = webdriver.Browser(traffic=True)
        cls.addClassCleanup(cls.wire.end)

    def asked(self):
        """Paths that were asked for since the last question."""
        return [told["request"]["url"].partition("127.0.0.1:")[2].partition("/")[2] if told["request"]["url"].startswith(self.url)
                else told["request"]["url"] for name, told in self.wire.traffic() if name == "Network.requestWillBeSent"]

    def open_on_wire(self, route):
        self.wire.go("about:blank")
        self.wire.traffic()
        self.wire.go(self.url + route)
        until(f"the page {route}", lambda: self.wire.script("const p = document.getElementById('page'); "
                                                            "return p && p.getAttribute('aria-busy') === 'false'"))

    def test_nothing_is_polled_that_events_tell(self):
        for route in "#/collections", "#/collection/books":
            with self.subTest(route=route):
                self.open_on_wire(route)
                # Between two looks whether the coordinator is there, which are seconds apart, nothing else is asked for.
                seen = []

                def looked_twice():
                    seen.extend(self.asked())
                    return len([path for path in seen if path == "healthz"]) >= 3

                until(lambda: f"two looks at /healthz, not {seen}", looked_twice)
                looks = [i for i, path in enumerate(seen) if path == "healthz"]
                self.assertEqual(seen[looks[-2] + 1:looks[-1]], [])

    def test_no_page_asks_for_anything_elsewhere(self):
        asked = []
        for page in "overview", "map", "collections", "collection/books", "nodes", "node/1", "tasks", "events", "actors", \
                "explain/collection/books", "whatif?addNodes=1", "settings":
            self.open_on_wire(f"#/{page}")
            asked += self.asked()
        self.assertGreater(len(asked), 100)
        self.assertEqual([path for path in asked if not re.match(r"(?:console/|v1/|events|healthz|readyz|metrics|debug/|$)", path)], [])


class Away(console.Sample):
    stuck = False
    noted = (NOTED_WHILE_AWAY, console.NOT_LOADED)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.bring_back)

    def take_away(self):
        self.cluster.processes[0].end(9)
        self.away = True

    def bring_back(self):
        if getattr(self, "away", False):
            self.away = False
            self.cluster.processes[0] = self.cluster.start("again", "listening on ", "coordinator", "--data", self.cluster.folder + "/data",
                                                           "--listen", self.cluster.coordinator, "--http", self.cluster.http)
            self.cluster.processes.pop()
            self.cluster.run("wait", "--nodes", str(self.nodes), "--timeout-s", "20")

    def link(self):
        return self.browser.script("return document.body.dataset.link")

    def until_away(self):
        until("the page to say that nobody answers", lambda: self.link() == "unreachable")

    def until_back(self):
        until("the page to find the coordinator again", lambda: self.link() == "connected")

    def test_it_is_said_since_when_it_is_away_and_the_page_comes_back_by_itself(self):
        self.open("#/nodes")
        self.browser.script("window.opened_once = true")
        self.assertEqual(self.link(), "connected")
        self.assertFalse(self.browser.has("#link"))
        self.take_away()
        self.until_away()
        self.assertRegex(self.browser.text("#link[role=alert]"), r"cannot be reached since \d\d?:\d\d")
        self.assertEqual(self.count("nodes"), self.nodes, "what was there stays")
        self.check_names()
        self.check("contrast", console.LEAST_CONTRAST)
        for scheme in "light", "dark":
            self.browser.media(prefers_color_scheme=scheme)
            self.picture(f"away-{scheme}")
        self.bring_back()
        self.until_back()
        self.assertFalse(self.browser.has("#link"))
        self.assertTrue(self.browser.script("return window.opened_once"), "without a reload")
        epoch = self.cluster.ask("GET", "/healthz").json()["epoch"]
        until("the new epoch to be shown", lambda: f"epoch {epoch}" in self.browser.text("header"))
        # The stream of events goes on, too.
        self.cluster.run("load", "shelved")
        self.browser.script("location.hash = '#/collections'")
        self.shown("#/collections")
        key = self.ask("DescribeCollection", collection="shelved")["collection"]["id"]
        self.cluster.run("release", "shelved")
        until("what happens afterwards to be shown", lambda: "released" in self.cell("collections", key, "state"))

    def test_what_happened_meanwhile_is_shown_when_it_is_back(self):
        self.open("#/settings")
        key = "queryCoord.balanceSegmentBatchSize"
        self.take_away()
        self.until_away()
        # Nobody hears of this: it is changed before the page is connected again, or just after.
        self.bring_back()
        self.cluster.run("call", "alterConfiguration", f'{{"key":"{key}","value":"9"}}')
        self.until_back()
        until("the value of today", lambda: self.cell("settings", key, "value") == "9")
        self.cluster.run("call", "alterConfiguration", f'{{"key":"{key}","reset":true}}')

    def test_a_page_that_is_opened_meanwhile_says_so_and_is_shown_when_it_is_back(self):
        self.open("#/overview")
        self.take_away()
        self.browser.click('nav a[href="#/nodes"]')
        self.shown("#/nodes")
        self.until_away()
        self.assertNotIn("page failed", self.browser.text("#page"), "it is no failure of the page that nobody answers")
        self.bring_back()
        self.until_back()
        until("the nodes to be shown", lambda: self.list("nodes") is not None and self.count("nodes") == self.nodes)

    def test_a_coordinator_that_hangs_is_told_and_a_page_that_waited_in_vain_is_shown_when_it_goes_on(self):
        self.open("#/collections")
        self.browser.script("location.hash = '#/overview'")
        self.shown("#/overview")
        coordinator = self.cluster.processes[0].process
        coordinator.send_signal(signal.SIGSTOP)
        self.addCleanup(coordinator.send_signal, signal.SIGCONT)
        self.browser.script("location.hash = '#/collections'")
        self.until_away()
        until("the page to say that it waited in vain", lambda: self.browser.text("#page [role=alert]"), 30)
        coordinator.send_signal(signal.SIGCONT)
        self.until_back()
        until("the collections to be shown", lambda: self.list("collections") is not None and self.count("collections") == 4)
        self.assertFalse(self.browser.text("#page [role=alert]"))

    def test_an_action_that_nobody_answers_is_told(self):
        self.open("#/settings")
        self.browser.click('[data-action="deactivate-checker"][data-key="index_checker"]')
        until("the dialog to be ready", lambda: self.browser.has('dialog[open] [data-act="confirm"]:not(:disabled)'))
        self.take_away()
        self.browser.click('dialog[open] [data-act="confirm"]')
        until("what became of it", lambda: "cannot be reached" in (self.browser.text("#outcome[role=status]") or ""))
        self.bring_back()
        self.until_back()
        self.assertTrue(self.ask("ListCheckers", checkers=["index_checker"])["checkers"][0]["active"])


if __name__ == "__main__":
    console.main()
