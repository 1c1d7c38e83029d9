# Guards that every page shows what /v1 answers: as many rows, the same things, the same numbers; and that a link shows another the same.
import urllib.parse

import console
from console import digits
from webdriver import END, HOME, until


class Pages(console.Sample):
    def same(self, name, answer, key, seconds=20):
        """The list has a row for each thing of an answer that is asked for again as long as they differ: things go on meanwhile."""
        seen = {}

        def look():
            seen["answer"] = [key(row) for row in answer()]
            seen["page"] = self.keys(name)
            return sorted(seen["answer"]) == sorted(seen["page"])

        until(lambda: f"{name} to show what is answered: {seen}", look, seconds)
        self.assertEqual(self.count(name), len(seen["answer"]))
        return seen["answer"]

    def shows(self, name, key, head, number):
        until(lambda: f"{name} to show {number} as {head} of {key}, not {self.cell(name, key, head)}",
              lambda: digits(self.cell(name, key, head) or "") == str(number))

    def collection(self, name):
        return self.ask("DescribeCollection", collection=name)["collection"]

    # -- one test a page --------------------------------------------------------------------

    def test_overview(self):
        self.open("#/overview")

        def look():
            told = self.ask("Overview")
            connected = sum(n["count"] for n in told["nodes"] if n["state"] == "connected")
            answered = {"nodes": connected, **{name: value for name, value in told.items() if isinstance(value, (int, str))}}
            shown = self.figures()
            both = {name: (shown[name], str(answered[name])) for name in shown if name in answered}
            return both if all(a == b for a, b in both.values()) else None

        both = until("the figures of the overview", look)
        self.assertLessEqual({"nodes", "collections", "loading", "notServed", "segments", "rows", "channels", "tasks"}, set(both))
        self.assertEqual(both["nodes"], (str(self.nodes), str(self.nodes)))
        self.assertEqual([name for name, value in self.figures().items() if not value or not value.replace(".", "").isdigit()], [],
                         "figures without a number")
        self.same("unfinished", lambda: self.ask("Overview")["unfinished"], lambda c: c["id"])
        stuck = self.collection("stuck")["id"]
        self.shows("unfinished", stuck, "loaded", self.ask("Overview")["unfinished"][0]["percentage"])
        self.assertIn("segment is missing", self.cell("unfinished", stuck, "waits for"))
        self.assertGreater(len(self.keys("changes")), 3)
        text = self.browser.text("#page")
        health = self.ask("CheckHealth")
        for reason in health["reasons"] + health["notQueryable"]:
            self.assertIn(reason, text)

    def test_overview_tells_rates(self):
        self.open("#/overview")
        # The page itself is answered all the time.
        until("answers a second to be told", lambda: float(self.figures()["answersPerSecond"]) > 0)
        self.cluster.run("suspend-balance")
        self.cluster.run("resume-balance")
        until("events a second to be told", lambda: float(self.figures()["eventsPerSecond"]) > 0)

    def test_overview_tells_why_a_cluster_is_not_well(self):
        self.open("#/overview")
        self.cluster.run("deactivate-checker", "index_checker")
        self.cluster.run("suspend-balance")
        until("the checker that is off to be told", lambda: "index_checker" in self.browser.text("#page"))
        until("balance that is suspended to be told", lambda: "balance suspended" in self.browser.text("#page"))
        self.cluster.run("activate-checker", "index_checker")
        self.cluster.run("resume-balance")
        until("all to be well again", lambda: "balance suspended" not in self.browser.text("#page"))

    def test_collections(self):
        self.open("#/collections")
        self.same("collections", lambda: self.ask("ListCollections")["collections"], lambda c: c["id"])
        self.assertEqual(self.count("collections"), 4)
        states = {"books": "loaded", "archive/films": "loaded", "shelved": "released", "stuck": "loading"}
        for name, state in states.items():
            found = self.collection(name)
            self.assertIn(state, self.cell("collections", found["id"], "state"))
            self.assertEqual(self.cell("collections", found["id"], "collection"), name)
            self.shows("collections", found["id"], "rows", found["rows"])
            self.shows("collections", found["id"], "segments", found["segments"])
        self.assertEqual(self.cell("collections", self.collection("books")["id"], "replicas"), "2 of 2")

    def test_collection(self):
        for name, target in ("books", "current"), ("archive/films", "current"), ("stuck", "next"):
            with self.subTest(collection=name):
                self.open("#/collection/" + urllib.parse.quote(name, safe=""))
                self.assertIn(name, self.browser.text("#page h1"))
                replicas = self.ask("GetReplicas", collection=name)["replicas"]
                self.same("replicas", lambda: replicas, lambda r: r["id"])
                self.assertEqual(self.count("shards"), len(self.collection(name)["channels"]))
                segments = self.collection(name)["segments"]
                until("the segments", lambda: self.count("segments") == int(segments))
                self.assertEqual(sorted(self.keys("segments")), sorted(s["id"] for s in self.ask("ListSegments", collection=name)["segments"]))
                text = self.browser.text("#page")
                for replica in replicas:
                    for shard in replica["shards"]:
                        if shard["leader"] != "0":
                            self.assertIn(f"node-{shard['leader']}", text)
                self.assertEqual(self.keys("targets"), [target])
                self.assertEqual({self.cell("segments", key, "target") for key in self.keys("segments")}, {target})
                self.assertGreater(self.count("timeline"), 3)
        books = self.ask("ListSegments", collection="books")["segments"][0]
        self.open("#/collection/books")
        self.shows("segments", books["id"], "rows", books["rows"])

    def test_collection_that_is_not_loaded(self):
        self.open("#/collection/shelved")
        text = self.browser.text("#page")
        self.assertIn("released", text)
        self.assertEqual(self.count("segments"), 8)

    def test_nodes(self):
        self.open("#/nodes")
        self.same("nodes", lambda: self.ask("GetStatus")["nodes"], lambda n: n["id"])
        for node in self.ask("GetStatus")["nodes"]:
            self.assertIn(node["state"], self.cell("nodes", node["id"], "state"))
            self.assertEqual(self.cell("nodes", node["id"], "address"), node["address"])
            self.shows("nodes", node["id"], "leads", node["channels"])

    def test_node(self):
        for node in self.ask("GetStatus")["nodes"]:
            with self.subTest(node=node["name"]):
                self.open(f"#/node/{node['id']}")
                self.assertIn(node["name"], self.browser.text("#page h1"))

                def held():
                    return self.ask("PlacementMap", node=node["id"])["holdings"]

                keys = self.same("holdings", held, lambda h: f"{h['collection']}/{h['replica']}")
                self.assertGreaterEqual(len(keys), 2)
                books = next(h for h in held() if h["name"] == "books")
                key = f"{books['collection']}/{books['replica']}"
                self.shows("holdings", key, "rows", books["rows"])
                self.shows("holdings", key, "segments", books["segments"])
                self.same("leads", lambda: self.ask("GetQueryNodeDistribution", node=node["id"])["channels"], lambda c: c)

    def test_tasks(self):
        self.cluster.run("load", "shelved")
        self.cluster.run("release", "shelved")
        self.open("#/tasks")
        tasks = self.same("tasks", lambda: self.ask("ListTasks")["tasks"], lambda t: t["id"])
        self.assertGreater(len(tasks), 10)
        ended = next(t for t in self.ask("ListTasks")["tasks"] if t["end"] == "done" and t["kind"] == "serve_shard")
        self.assertEqual(self.cell("tasks", ended["id"], "kind"), "serve_shard")
        self.assertIn(ended["status"], self.cell("tasks", ended["id"], "status"))
        self.assertIn(f"node-{ended['node']}", self.cell("tasks", ended["id"], "node"))

    def test_events(self):
        self.open("#/events")
        self.same("events", lambda: self.ask("ListEvents", limit=10000)["events"], lambda e: e["number"])
        self.assertGreater(self.count("events"), 30)
        joined = next(e for e in self.ask("ListEvents", limit=10000)["events"] if e["kind"] == "nodeJoined")
        self.assertIn("node_joined", self.cell("events", joined["number"], "what"))
        self.assertIn(f"node-{joined['node']}", self.cell("events", joined["number"], "of"))

    def test_events_of_one_subject(self):
        for subject, name in ("collection", "books"), ("node", "node-2"):
            with self.subTest(subject=subject):
                self.open(f"#/events?subject={subject}&name={name}")
                self.same("events", lambda: self.ask("ListEvents", subject=subject, name=name, limit=10000)["events"], lambda e: e["number"])

    def test_actors(self):
        self.open("#/actors")
        actors = self.same("actors", lambda: self.ask("ListActors")["actors"], lambda a: a["name"])
        self.assertGreater(len(actors), 20)
        self.assertIn("gateway", actors)
        gateway = 'tr[data-key="gateway"] svg polyline'
        until("a line of how full the mailbox was", lambda: self.browser.has(gateway))
        self.open("#/actors?actor=gateway")
        told = self.ask("ListActors", name="gateway")["actors"][0]
        text = self.browser.text("#page")
        for words in told["owner"], told["handledByType"][0]["type"]:
            self.assertIn(words, text)

    def test_settings(self):
        self.open("#/settings")
        settings = self.same("settings", lambda: self.ask("ShowConfigurations")["configurations"], lambda c: c["key"])
        self.assertGreater(len(settings), 50)
        for each in self.ask("ShowConfigurations", pattern="balance")["configurations"]:
            if self.cell("settings", each["key"], "setting") is not None:
                self.assertTrue(self.cell("settings", each["key"], "value").startswith(each["value"]))
                self.assertIn(each["origin"], self.cell("settings", each["key"], "origin"))
        self.same("checkers", lambda: self.ask("ListCheckers")["checkers"], lambda c: c["name"])

    # -- explain and what-if --------------------------------------------------------------

    def different(self, conditions):
        """An explanation within another looks at some conditions again; the page shows each once."""
        return len({(c["name"], c["met"], c["text"]) for c in conditions})

    def explained(self):
        """What an explain page says, without what grows old."""
        return self.browser.script("return [document.title, document.querySelector('#page h1').textContent]"), self.list("conditions")["rows"]

    def test_explain(self):
        self.open("#/explain/collection/stuck")
        told = self.ask("Explain", subject="collection", name="stuck")["explanation"]
        text = self.browser.text("#page")
        self.assertIn("segment_file_missing", text)
        self.assertIn(told["unblockText"], text)
        self.assertIn(told["subject"], text)
        self.assertEqual(self.count("conditions"), self.different(told["conditions"]))
        self.assertEqual(self.count("verdicts"), len(told["nodes"]))
        for condition in told["conditions"]:
            self.assertIn(condition["name"], text)

    def test_explain_has_a_link_for_each_subject_that_shows_another_the_same(self):
        segment = self.ask("GetLoadSegmentInfo", collection="books")["segments"][0]["id"]
        replica = self.ask("GetReplicas", collection="books")["replicas"][0]["id"]
        channel = self.collection("books")["channels"][0]
        task = self.ask("ListTasks", collection="books")["tasks"][0]["id"]
        for subject, name, more in ("segment", segment, "?collection=books"), ("replica", replica, ""), ("channel", channel, ""), \
                ("collection", "archive/films", ""), ("node", "node-1", ""), ("task", task, ""):
            with self.subTest(subject=subject):
                route = f"#/explain/{subject}/{urllib.parse.quote(name, safe='')}{more}"
                self.open(route)
                told = self.ask("Explain", subject=subject, name=name)["explanation"]
                until(lambda: f"the explanation of {told['subject']}", lambda: told["subject"] in self.browser.text("#page"))
                until("its conditions", lambda: self.count("conditions") == self.different(told["conditions"]))
                before, address = self.explained(), self.browser.url()
                self.open("#/overview")
                self.browser.go("about:blank")
                self.browser.go(address)
                self.shown(route)
                self.assertEqual(self.explained(), before)

    def test_explain_opens_what_is_asked_for_in_its_form(self):
        self.open("#/explain")
        self.browser.choose('#page select[name="subject"]', "collection")
        self.browser.type('#page input[name="name"]', "books")
        self.browser.click('#page form button[type="submit"]')
        until("the address of the explanation", lambda: self.browser.url().endswith("#/explain/collection/books"))
        self.shown("#/explain/collection/books")
        self.assertIn("collection books", self.browser.text("#page"))

    def test_what_is_not_there_is_told_with_what_to_do(self):
        self.expect_noted("status of 4|Refusal: |there is no page")
        for route, words in ("#/collection/absent", "absent"), ("#/node/99", "99"), ("#/explain/segment/99999", "99999"), ("#/explain/node/absent", "absent"), \
                ("#/nowhere", "nowhere"):
            with self.subTest(route=route):
                self.open(route)
                told = self.browser.text("#page [role=alert]") or ""
                self.assertIn(words, told)
                self.check("headings")
                self.check_names()

    def asked_what_if(self, fields, **asked):
        """Fills in the form, sends it, and holds what is shown against what /v1 answers; then the same by the link."""
        self.open("#/whatif")
        for name, value in fields.items():
            self.browser.type(f'#page form input[name="{name}"]', value)
        self.browser.click('#page form button[type="submit"]')
        told = self.ask("WhatIf", **asked)
        for how in "form", "link":
            with self.subTest(how=how):
                until("the loads of all nodes", lambda: self.list("loads") is not None and self.count("loads") == len(told["nodes"]))
                self.assertEqual(sorted(self.keys("loads")), sorted(n["node"] for n in told["nodes"]))
                self.assertEqual(self.count("moves"), len(told["moves"]))
                for node in told["nodes"]:
                    self.shows("loads", node["node"], "rows", node["rowsBefore"])
                    self.shows("loads", node["node"], "segments", node["segmentsBefore"])
                shown = self.figures()
                self.assertEqual((shown["moves"], shown["rows"], shown["unplaced"]), (str(told["total"]), told["rows"], str(told["unplaced"])))
            address = self.browser.url()
            self.browser.go("about:blank")
            self.browser.go(address)
            self.shown("#/whatif")
        return told

    def test_what_if_nodes_came(self):
        told = self.asked_what_if({"addNodes": "2"}, addNodes=2)
        self.assertGreater(len(told["moves"]), 0)
        drawn = "return [...document.querySelectorAll('#page svg')].map((e) => e.querySelectorAll('*').length)"
        until("moves and rows to be drawn", lambda: sum(n > 4 for n in self.browser.script(drawn)) >= 2)
        self.check("contrast", console.LEAST_CONTRAST)
        self.check_names()
        self.check("headings")
        for scheme in "light", "dark":
            self.browser.media(prefers_color_scheme=scheme)
            self.check("contrast", console.LEAST_CONTRAST)
            self.picture(f"whatif-moves-{scheme}")

    def test_what_if_a_node_went(self):
        self.asked_what_if({"removeNodes": "node-2"}, removeNodes=["node-2"])

    def test_what_if_a_setting_were_another(self):
        setting = {"key": "queryCoord.balancer", "value": "RowCountBasedBalancer"}
        self.asked_what_if({"settings": "queryCoord.balancer=RowCountBasedBalancer", "collection": "books"}, collection="books", settings=[setting])

    def test_what_if_says_what_was_filled_in_wrongly(self):
        self.expect_noted("status of 4|Refusal: ")
        self.open("#/whatif")
        self.browser.type('#page form input[name="addNodes"]', "two")
        self.browser.click('#page form button[type="submit"]')
        until("what is wrong to be told", lambda: "two" in self.browser.text("#page form [role=alert]"))
        self.browser.type('#page form input[name="addNodes"]', "0")
        self.browser.type('#page form input[name="removeNodes"]', "absent")
        self.browser.click('#page form button[type="submit"]')
        reason = self.cluster.call("WhatIf", removeNodes=["absent"]).json()["reason"]
        until(lambda: f"the reason {reason} to be told, not {self.browser.text('#page')}", lambda: reason in self.browser.text("#page"))

    # -- links within ---------------------------------------------------------------------

    def test_every_link_of_every_page_leads_to_a_page_that_is_there(self):
        def kind(link):
            """Of several links to pages that differ only in what they are about, one is followed."""
            parts = link.partition("?")[0].split("/")[1:]
            return tuple(parts[:2]) if parts[0] == "explain" else parts[0]

        links = set()
        for route in "#/overview", "#/collections", "#/collection/stuck", "#/nodes", "#/node/1", "#/tasks", "#/events", "#/actors", \
                "#/explain/collection/stuck", "#/settings":
            self.open(route)
            links |= set(self.browser.script("return [...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href'))"))
        self.assertEqual([link for link in links if not link.startswith("#")], [], "links that lead elsewhere")
        kinds = {kind(link): link for link in sorted(links) if link.startswith("#/")}
        self.assertGreater(len(kinds), 12)
        for link in kinds.values():
            with self.subTest(link=link):
                self.open(link)
                self.assertFalse(self.browser.text("#page [role=alert]"))


class Lists(console.Sample):
    stuck = False

    def test_a_filter_is_part_of_the_link(self):
        self.open("#/collections")
        films = self.ask("DescribeCollection", collection="archive/films")["collection"]["id"]
        self.browser.type("#page input.filter", "archive/f")
        self.until_listed("collections", [films])
        address = until("the filter in the address", lambda: "filter=" in self.browser.url() and self.browser.url())
        self.browser.go("about:blank")
        self.browser.go(address)
        self.shown("#/collections")
        self.assertEqual(self.keys("collections"), [films])

    def test_a_column_orders_the_list_and_the_link_keeps_it(self):
        self.open("#/nodes")
        for expected in "ascending", "descending":
            with self.subTest(order=expected):
                self.browser.click('#page table[data-list="nodes"] thead th:nth-child(9) button')
                said = until("the order to be said", lambda: self.browser.script(
                    "return document.querySelector('#page th:nth-child(9)').ariaSort") == expected and expected)
                addresses = [self.cell("nodes", key, "address") for key in self.keys("nodes")]
                self.assertEqual(addresses, sorted(addresses, reverse=said == "descending"))
        before = self.keys("nodes")
        address = self.browser.url()
        self.browser.go("about:blank")
        self.browser.go(address)
        self.shown("#/nodes")
        self.assertEqual(self.keys("nodes"), before)

    def test_back_and_forth_show_what_was_there(self):
        self.open("#/nodes")
        self.browser.click('#page a[href="#/node/2"]')
        self.shown("#/node/2")
        self.browser.back()
        self.shown("#/nodes")
        self.assertEqual(self.count("nodes"), self.nodes)


class Large(console.Console):
    """More rows than a list renders at once."""

    nodes = 0

    @classmethod
    def fill(cls):
        cls.cluster.start("fleet", "muster fleet:", "fleet", "--nodes", "600", "--join", cls.cluster.coordinator)
        cls.cluster.run("wait", "--nodes", "600", "--timeout-s", "60")
        cls.cluster.run("import", "--synthetic", "900x1")

    def rendered(self, name):
        return len(self.list(name)["rows"])

    def test_a_long_list_tells_its_whole_length_and_renders_what_is_in_view(self):
        for page, first, last in ("collections", "synthetic-00001", "synthetic-00900"), ("nodes", "fleet-1", "fleet-600"):
            with self.subTest(page=page):
                self.open(f"#/{page}")
                whole = {"collections": self.ask("ListCollections")["collections"], "nodes": self.ask("GetStatus", parts=["nodes"])["nodes"]}[page]
                self.assertEqual(self.count(page), len(whole))
                self.assertLess(self.rendered(page), 200)

                def names():
                    return [row["cells"][0] for row in self.list(page)["rows"]]

                self.assertEqual(names()[0], first)
                scroll = f"document.querySelector('#page table[data-list=\"{page}\"]').closest('.scroll')"
                self.browser.script(f"{scroll}.focus()")
                self.browser.keys(END)
                until("the end of the list", lambda: names()[-1] == last)
                self.assertLess(self.rendered(page), 200)
                self.browser.keys(HOME)
                until("the beginning of the list", lambda: names()[0] == first)
                self.check_names()
                self.check("overflow")
                self.picture(f"{page}-large")

    def test_a_filter_finds_what_is_not_rendered(self):
        self.open("#/collections")
        self.browser.type("#page input.filter", "00777")
        until("the one that is looked for", lambda: [row["cells"][0] for row in self.list("collections")["rows"]] == ["synthetic-00777"])
        self.assertEqual(self.count("collections"), 1)

    def test_the_overview_does_not_grow_with_the_cluster(self):
        self.open("#/overview")
        self.assertEqual(self.figures()["nodes"], "600")
        self.assertLessEqual(self.count("unfinished"), 100)


if __name__ == "__main__":
    console.main()
