# Guards that everybody can use the console: by keyboard, by screen reader, in light and dark, in a narrow window; pictures of each page.
import console
from webdriver import ENTER, ESCAPE, SHIFT, TAB, until

SCHEMES = "light", "dark"
NARROW = 400
MANY_TABS = 400  # more than a page has to be walked through

FOCUSED = """
const e = document.activeElement;
if (!e || e === document.body) return null;
const style = getComputedStyle(e);
const box = e.getBoundingClientRect();
return {markup: e.outerHTML.slice(0, 160), href: e.getAttribute('href'), action: e.dataset.action || null, key: e.dataset.key || null,
        act: e.dataset.act || null, dialog: e.closest('dialog') !== null, page: e.closest('#page') !== null,
        seen: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none',
        inside: box.width > 0 && box.bottom > 0 && box.top < innerHeight};
"""
MOVES = "return document.getAnimations().filter((a) => a.playState === 'running' && a.effect.getTiming().duration > 1).length"


class Access(console.Sample):
    @classmethod
    def fill(cls):
        super().fill()
        segment = cls.ask("GetLoadSegmentInfo", collection="books")["segments"][0]["id"]
        cls.pages = {
            "overview": "#/overview", "map": "#/map", "collections": "#/collections", "collection": "#/collection/books",
            "collection-stuck": "#/collection/stuck", "nodes": "#/nodes", "node": "#/node/1", "tasks": "#/tasks", "events": "#/events",
            "actors": "#/actors", "explain": "#/explain/collection/stuck", "explain-segment": f"#/explain/segment/{segment}?collection=books",
            "whatif": "#/whatif", "settings": "#/settings"}

    def setUp(self):
        super().setUp()
        self.browser.size(1280, 800)
        self.browser.media(prefers_color_scheme="light")

    def on_each(self, look):
        for name, route in self.pages.items():
            with self.subTest(page=name):
                self.open(route)
                look(name)

    # -- what is seen -------------------------------------------------------------------

    def test_text_stands_out_in_light_and_dark_and_each_page_is_pictured(self):
        def look(name):
            for scheme in SCHEMES:
                self.browser.media(prefers_color_scheme=scheme)
                self.picture(f"{name}-{scheme}")
                self.assertGreater(self.check("contrast", console.LEAST_CONTRAST), 10)

        self.on_each(look)

    def test_nothing_reaches_beyond_a_narrow_window(self):
        def look(name):
            self.picture(f"{name}-narrow")
            self.check("overflow")

        self.browser.size(NARROW, 800)
        self.on_each(look)

    def test_nothing_reaches_beyond_the_window_that_it_is_made_for(self):
        self.on_each(lambda _: self.check("overflow"))

    def test_nothing_moves_for_who_asks_for_less_motion(self):
        self.browser.media(prefers_reduced_motion="reduce")
        self.on_each(lambda _: self.assertEqual(self.browser.script(MOVES), 0))

    # -- what is said ---------------------------------------------------------------------

    def test_all_that_people_act_on_has_a_name(self):
        self.on_each(lambda _: self.assertGreater(self.check_names(), 10))

    def test_headings_are_in_order_and_tables_have_captions_and_heads(self):
        def look(_):
            self.check("headings")
            self.check("tables")

        self.on_each(look)

    def test_each_page_has_a_title_of_its_own_and_a_language(self):
        titles = {}

        def look(name):
            titles[name] = self.browser.title()
            self.assertIn("Muster", titles[name])
            self.assertEqual(self.browser.script("return document.documentElement.lang"), "en")

        self.on_each(look)
        self.assertEqual(len(set(titles.values())), len(titles), titles)

    def test_where_one_is_in_the_navigation_is_said(self):
        for page in "overview", "map", "collections", "nodes", "tasks", "events", "actors", "whatif", "settings":
            with self.subTest(page=page):
                self.open(f"#/{page}")
                marked = self.browser.script("return [...document.querySelectorAll('nav [aria-current=page]')].map((e) => e.hash)")
                self.assertEqual(marked, [f"#/{page}"])

    def test_what_happens_is_said_without_interrupting(self):
        self.open("#/overview")
        live = self.browser.script("return [...document.querySelectorAll('[aria-live]')].map((e) => e.getAttribute('aria-live'))")
        self.assertNotIn("assertive", live)
        self.assertTrue(self.browser.has("#outcome[role=status]"))

    # -- by keyboard ----------------------------------------------------------------------

    def focused(self):
        return self.browser.script(FOCUSED)

    def tab_to(self, what, wanted, held=()):
        """Presses Tab until what has the focus is wanted; each stop on the way shows that it has it, and is in sight."""
        for _ in range(MANY_TABS):
            self.browser.keys(TAB, held=held)
            at = self.focused()
            if at is None:
                continue
            self.assertTrue(at["seen"], f"nothing shows that it has the focus: {at['markup']}")
            self.assertTrue(at["inside"], f"it has the focus out of sight: {at['markup']}")
            if wanted(at):
                return at
        return self.fail(f"{MANY_TABS} times Tab do not reach {what}")

    def test_each_page_is_reached_by_keyboard(self):
        for page in "map", "collections", "nodes", "tasks", "events", "actors", "whatif", "settings", "overview":
            with self.subTest(page=page):
                self.open("#/overview" if page != "overview" else "#/nodes")
                self.tab_to(f"the link to {page}", lambda at, page=page: at["href"] == f"#/{page}" and not at["page"])
                self.browser.keys(ENTER)
                self.shown(f"#/{page}")

    def test_pages_of_one_thing_are_reached_by_keyboard_from_the_lists(self):
        for page, route in ("collections", "#/collection/books"), ("nodes", "#/node/1"), ("overview", "#/collection/stuck"), \
                ("collection/stuck", "#/explain/collection/stuck"):
            with self.subTest(page=page):
                self.open(f"#/{page}")
                self.tab_to(f"the link to {route}", lambda at, route=route: (at["href"] or "").startswith(route))
                self.browser.keys(ENTER)
                self.shown(route)

    def test_the_navigation_can_be_skipped(self):
        self.open("#/nodes")
        self.browser.keys(TAB)
        self.assertIn("skip", self.focused()["markup"].lower())
        self.browser.keys(ENTER)
        self.shown("#/nodes")
        self.browser.keys(TAB)
        at = until("the focus to be in the page", self.focused)
        self.assertTrue(at["page"], at)

    def test_a_page_that_is_opened_by_its_link_begins_at_its_own_content(self):
        self.open("#/overview")
        self.browser.click('nav a[href="#/nodes"]')
        self.shown("#/nodes")
        inside = "return document.activeElement && (document.activeElement.id === 'page' || document.activeElement.closest('#page') !== null)"
        until("the focus to be in the page that was opened", lambda: self.browser.script(inside))

    def test_what_scrolls_is_reached_by_keyboard(self):
        self.browser.size(NARROW, 800)
        self.on_each(lambda _: self.check("scrollers"))

    def test_a_dialog_is_handled_by_keyboard(self):
        self.open("#/settings")

        def is_button(at):
            return at["action"] == "deactivate-checker" and at["key"] == "index_checker"

        def begin():
            """Enter on the button; the dialog is read when it says what will happen."""
            self.browser.keys(ENTER)
            until("the dialog to say what will happen", lambda: self.browser.has('dialog[open] [data-act="confirm"]:not(:disabled)'))

        self.tab_to("the button", is_button)
        begin()
        self.assertTrue(until("the focus in the dialog", self.focused)["dialog"])
        self.check_names()
        self.check("headings")
        for scheme in SCHEMES:
            self.browser.media(prefers_color_scheme=scheme)
            self.check("contrast", console.LEAST_CONTRAST)
            self.picture(f"dialog-{scheme}")
        self.browser.keys(ESCAPE)
        until("the dialog to be gone", lambda: not self.browser.has("dialog[open]"))
        self.assertTrue(is_button(self.focused()), "the focus is where it was before")
        self.assertTrue(self.active("index_checker"), "Escape changes nothing")

        begin()
        self.tab_to("cancel", lambda at: at["act"] == "cancel")
        self.browser.keys(ENTER)
        until("the dialog to be gone", lambda: not self.browser.has("dialog[open]"))
        self.assertTrue(self.active("index_checker"), "to cancel changes nothing")

        begin()
        self.tab_to("confirm", lambda at: at["act"] == "confirm")
        self.tab_to("cancel", lambda at: at["act"] == "cancel", held=(SHIFT,))
        self.tab_to("confirm", lambda at: at["act"] == "confirm")
        self.browser.keys(ENTER)
        self.addCleanup(self.cluster.run, "activate-checker", "index_checker")
        until("the checker to pause", lambda: not self.active("index_checker"))

    def active(self, name):
        return self.ask("ListCheckers", checkers=[name])["checkers"][0]["active"]


if __name__ == "__main__":
    console.main()
