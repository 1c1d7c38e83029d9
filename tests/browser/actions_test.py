# Guards that actions act: each says first what will happen, does nothing when it is cancelled, changes what /v1 answers when it is
# confirmed, and tells how it came out; none is offered by a coordinator that only reads.
import console
from console import digits
from webdriver import until

BATCH = "queryCoord.balanceSegmentBatchSize"


class Actions(console.Sample):
    stuck = False

    def button(self, action, key=None):
        return f'#page button[data-action="{action}"]' + (f'[data-key="{key}"]' if key is not None else "")

    def begin_action(self, action, key, says):
        """Opens the dialog of an action; it names what it is about and what will happen."""
        until(f"the button {action} of {key}", lambda: self.browser.has(self.button(action, key)))
        self.browser.click(self.button(action, key))
        until("the dialog to be ready", lambda: self.browser.has('dialog[open] [data-act="confirm"]:not(:disabled)'))
        text = self.browser.text("dialog[open]")
        for words in says:
            self.assertIn(words.lower(), text.lower())
        self.assertGreater(len(text.split()), 8, f"the dialog does not say what will happen: {text}")
        self.check_names()
        self.check("contrast", console.LEAST_CONTRAST)

    def give(self, fields):
        for name, value in fields.items():
            css = f'dialog[open] [name="{name}"]'
            tag = self.browser.script("const e = document.querySelector(arguments[0]); return e && e.localName", css)
            self.assertIn(tag, ("input", "select"), f"there is no field {name} in {self.browser.text('dialog[open]')}")
            if tag == "select":
                self.browser.choose(css, value)
            else:
                self.browser.type(css, value)

    def end_action(self, how):
        self.browser.click(f'dialog[open] [data-act="{how}"]')
        until("the dialog to be gone", lambda: not self.browser.has("dialog[open]"))

    def outcome(self, kind):
        """How it came out, as it is told; waits until it has."""
        def told():
            return self.browser.script("const o = document.querySelector('#outcome[role=status]'); return o && !o.hidden && o.checkVisibility() "
                                       "&& o.dataset.outcome !== 'running' ? o.dataset.outcome + ': ' + o.textContent : null")

        text = until(f"the outcome {kind}", told)
        self.assertTrue(text.startswith(kind + ": "), text)
        return text

    def do(self, action, key, look, wanted, says=(), fields=None):
        """An action whole: `look()` tells what it changes; what it tells is not `wanted` until the action is confirmed."""
        before = look()
        self.assertNotEqual(before, wanted)
        self.begin_action(action, key, says)
        self.give(fields or {})
        self.end_action("cancel")
        self.assertEqual(look(), before, "to cancel changes nothing")
        self.begin_action(action, key, says)
        self.give(fields or {})
        self.assertEqual(look(), before, "nothing is done before it is confirmed")
        self.end_action("confirm")
        until(lambda: f"{action} of {key} to make it {wanted}, not {look()}", lambda: look() == wanted)
        return self.outcome("done")

    # -- what is paused and goes on -------------------------------------------------------

    def test_a_checker_is_paused_and_goes_on(self):
        self.open("#/settings")

        def active():
            return {c["name"]: c["active"] for c in self.ask("ListCheckers")["checkers"]}

        all_active = active()
        self.assertEqual(set(all_active.values()), {True})
        for name in all_active:
            with self.subTest(checker=name):
                self.do("deactivate-checker", name, active, {**all_active, name: False}, says=[name])
                self.do("activate-checker", name, active, all_active, says=[name])

    def test_balance_is_suspended_and_goes_on(self):
        self.open("#/settings")

        def active():
            return self.ask("CheckBalanceStatus")["active"]

        self.do("suspend-balance", None, active, False, says=["balanc"])
        self.do("resume-balance", None, active, True, says=["balanc"])

    # -- nodes, segments and channels -------------------------------------------------------

    def test_a_node_is_drained_and_comes_back(self):
        self.open("#/node/2")

        def suspended():
            return [n["name"] for n in self.ask("ListQueryNode")["nodes"] if n["suspended"]]

        self.do("suspend-node", 2, suspended, ["node-2"], says=["node-2", "segment"])
        until("the node to be empty", lambda: self.ask("GetQueryNodeDistribution", node="2")["segments"] == [])
        until("the page to show it", lambda: self.count("holdings") == 0)
        self.do("resume-node", 2, suspended, [], says=["node-2"])

    def placed(self, collection):
        return {s["id"]: s["nodes"] for s in self.ask("GetLoadSegmentInfo", collection=collection)["segments"]}

    def test_a_segment_is_moved(self):
        self.at_rest()
        self.open("#/collection/archive%2Ffilms")
        segment, nodes = next(iter(self.placed("archive/films").items()))
        self.assertEqual(len(nodes), 1)
        other = next(n for n in ("1", "2", "3") if n not in nodes)
        self.do("move-segment", segment, lambda: self.placed("archive/films")[segment], [other], says=[segment], fields={"move": f"{nodes[0]}>{other}"})
        until("the page to show where it is", lambda: f"node-{other}" in self.cell("segments", segment, "where"))

    def test_the_lead_of_a_channel_is_moved(self):
        self.at_rest()
        self.open("#/collection/archive%2Ffilms")

        def leaders():
            return [s["leader"] for r in self.ask("GetReplicas", collection="archive/films")["replicas"] for s in r["shards"]]

        channel = self.ask("DescribeCollection", collection="archive/films")["collection"]["channels"][0]
        before = leaders()
        other = next(n for n in ("1", "2", "3") if n not in before)
        self.do("move-channel", channel, leaders, [other], says=[channel], fields={"move": f"{before[0]}>{other}"})

    def at_rest(self):
        """No balance runs beside what is moved by hand, and nothing is being moved."""
        self.cluster.run("suspend-balance")
        self.addCleanup(self.cluster.run, "resume-balance")
        until("all tasks to end", lambda: not self.ask("GetStatus")["tasks"])

    # -- collections --------------------------------------------------------------------------

    def loaded(self):
        return sorted(c["name"] for c in self.ask("ShowLoadCollections")["collections"] if c["status"] == "loaded")

    def test_a_collection_is_loaded_and_released(self):
        key = self.ask("DescribeCollection", collection="shelved")["collection"]["id"]
        self.open("#/collection/shelved")
        self.do("load-collection", key, self.loaded, ["archive/films", "books", "shelved"], says=["shelved"])
        self.do("release-collection", key, self.loaded, ["archive/films", "books"], says=["shelved", "search"])

    def test_a_load_that_is_refused_is_told_with_its_reason(self):
        self.expect_noted("status of 4")
        key = self.ask("DescribeCollection", collection="shelved")["collection"]["id"]
        self.open("#/collections")
        reason = self.cluster.call("LoadCollection", collection="shelved", replicaNumber=9).json()["reason"]
        self.begin_action("load-collection", key, ["shelved"])
        self.give({"replicas": "9"})
        self.end_action("confirm")
        self.assertIn(reason, self.outcome("refused"))
        self.begin_action("load-collection", key, ["shelved"])
        self.give({"replicas": "two"})
        self.end_action("confirm")
        told = self.outcome("refused")
        self.assertIn("two", told)
        self.assertNotIn("page failed", told, "what somebody mistyped is no failure of the page")
        self.assertNotIn("shelved", self.loaded())

    # -- settings -------------------------------------------------------------------------------

    def setting(self):
        return next((c["value"], c["origin"]) for c in self.ask("ShowConfigurations", pattern=BATCH)["configurations"] if c["key"] == BATCH)

    def test_a_setting_is_changed_and_taken_back(self):
        self.open("#/settings")
        self.assertEqual(self.setting(), ("5", "default"))
        self.do("change-setting", BATCH, self.setting, ("7", "run time"), says=[BATCH], fields={"value": "7"})
        until("the page to show it", lambda: self.cell("settings", BATCH, "value") == "7")
        self.assertIn("run time", self.cell("settings", BATCH, "origin"))
        self.do("reset-setting", BATCH, self.setting, ("5", "default"), says=[BATCH])
        until("the page to show it", lambda: self.cell("settings", BATCH, "value") == "5")

    def test_a_value_that_is_refused_is_told_with_its_bounds(self):
        self.expect_noted("status of 400")
        self.open("#/settings")
        for value in "0", "many", "1e99", "<img src=/x onerror=alert(1)>":
            with self.subTest(value=value):
                reason = self.cluster.call("AlterConfiguration", key=BATCH, value=value).json()["reason"]
                self.begin_action("change-setting", BATCH, [BATCH])
                self.give({"value": value})
                self.end_action("confirm")
                self.assertIn(reason, self.outcome("refused"))
                self.assertFalse(self.browser.has("#outcome img, dialog img"), "what somebody wrote is no markup")
                self.assertEqual(self.setting(), ("5", "default"))

    def test_a_level_of_logs_is_changed(self):
        self.open("#/settings")

        def levels():
            return {each["key"]: each["value"] for each in self.ask("SetLogLevel")["levels"]}

        wanted = {**levels(), "segment_checker": "warn"}
        self.do("set-log-level", "log", levels, wanted, says=["log"], fields={"channel": "segment_checker", "level": "warn"})
        until("the page to show it", lambda: "segment_checker: warn" in self.browser.text("#page"))

    # -- actors -----------------------------------------------------------------------------------

    def test_an_actor_is_restarted(self):
        self.open("#/actors")

        def restarts():
            return self.ask("ListActors", name="segment_checker")["actors"][0]["restarts"]

        before = restarts()
        self.do("restart-actor", "segment_checker", restarts, before + 1, says=["segment_checker"])
        until("the page to show it", lambda: digits(self.cell("actors", "segment_checker", "restart")) == str(before + 1))


class ReadOnly(console.Sample):
    noted = (console.NOT_LOADED, "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|cannot be reached")
    actions = "return [...document.querySelectorAll('[data-action]')].map((e) => e.dataset.action)"
    stuck = False

    def begin_again(self, *more):
        self.cluster.processes[0].end()
        self.cluster.processes[0] = self.cluster.start("again", "listening on ", "coordinator", "--data", self.cluster.folder + "/data",
                                                       "--listen", self.cluster.coordinator, "--http", self.cluster.http, *more)
        self.cluster.processes.pop()
        self.cluster.run("wait", "--nodes", str(self.nodes), "--timeout-s", "20")

    def test_actions_are_offered_only_by_a_coordinator_that_may_be_changed(self):
        segment = self.ask("GetLoadSegmentInfo", collection="books")["segments"][0]["id"]
        routes = ["#/overview", "#/map", "#/collections", "#/collection/books", "#/collection/shelved", "#/nodes", "#/node/1", "#/tasks",
                  "#/events", "#/actors", f"#/explain/segment/{segment}?collection=books", "#/whatif", "#/settings"]
        offered = set()
        for route in routes:
            self.open(route)
            offered |= set(self.browser.script(self.actions))
        self.assertLessEqual({"deactivate-checker", "suspend-balance", "suspend-node", "move-segment", "move-channel", "change-setting",
                              "restart-actor", "load-collection", "release-collection"}, offered)
        # The page that is open learns it, too.
        self.open("#/settings")
        self.begin_again("--read-only")
        until("the page to say that it only reads", lambda: "read-only" in self.browser.text("header"))
        until("its actions to be gone", lambda: self.browser.script(self.actions) == [])
        for route in routes:
            with self.subTest(route=route):
                self.open(route)
                self.assertEqual(self.browser.script(self.actions), [])
                self.assertIn("read-only", self.browser.text("header"))
                self.assertFalse(self.browser.text("#page [role=alert]"), "all that it reads is shown")
        self.begin_again()
        until("its actions to be there again", lambda: self.browser.script("location.hash = '#/settings'") is None
              and self.browser.script(self.actions))


if __name__ == "__main__":
    console.main()
