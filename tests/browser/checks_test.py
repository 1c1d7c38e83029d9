# Guards the checks themselves, on pages that are wrong on purpose: what the other tests look for would be found.
import http.server
import os
import re
import threading
import unittest

import console
import map_bench
import webdriver
from webdriver import SHIFT, TAB, until

GOOD = """<!doctype html><html lang="en"><head><title>planted</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/style.css"></head>
<body><main id="page" data-page="good" aria-busy="false"><h1>Good</h1><h2>Part</h2><p>Text</p><button id="one">One</button>
<table data-list="things"><caption>Things</caption><thead><tr><th scope="col">Name</th><th scope="col">Rows now</th></tr></thead>
<tbody><tr data-key="7"><td>seven</td><td>1,007</td></tr></tbody></table>
<div class="box" tabindex="0"><div class="long">long</div></div>
<svg width="80" height="20" role="img" aria-label="a drawing"><rect class="ink" width="80" height="20"/><text class="bright" x="4" y="14">drawn</text></svg>
<dl><dd data-figure="rows" data-value="1007">1,007</dd></dl></main></body></html>"""
STYLE = """:root { color-scheme: light dark } body { color: #222; background: #fff } .long { width: 3000px } .box { overflow: auto }
.ink { fill: #222 } .bright { fill: #fff } .dim { opacity: 0.4 } .pale { color: #888 } .veil { background: rgba(0, 0, 0, 0.5) }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111 } .pale { color: #999 } }"""
# Each change of the threshold keeps the page busy for longer than a frame may take.
SLOW = """document.getElementById('threshold').addEventListener('input', () => {
  const end = performance.now() + 70;
  while (performance.now() < end);
});"""


class Planted(http.server.BaseHTTPRequestHandler):
    page = GOOD

    def do_GET(self):
        kind, text = {"/style.css": ("text/css", STYLE), "/icon.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
                      "/throws.js": ("text/javascript", "setTimeout(() => { throw new Error('planted failure') })"),
                      "/slow.js": ("text/javascript", SLOW),
                      "/rejects.js": ("text/javascript", "Promise.reject(new Error('planted refusal'))")
                      }.get(self.path, ("text/html", Planted.page))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Checks(console.Console):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Planted)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.browser = webdriver.Browser()
        cls.addClassCleanup(cls.browser.end)

    def plant(self, old=None, new="", dark=False):
        if old is not None:
            self.assertIn(old, GOOD)
        Planted.page = GOOD.replace(old, new) if old else GOOD
        self.browser.media(prefers_color_scheme="dark" if dark else "light")
        self.browser.go(f"http://127.0.0.1:{self.server.server_port}/")

    def fails(self, words, check, *arguments):
        with self.assertRaisesRegex(AssertionError, words):
            check(*arguments)

    def test_a_good_page_has_nothing_wrong(self):
        for dark in False, True:
            self.plant(dark=dark)
            self.assertGreater(self.check("contrast", console.LEAST_CONTRAST), 7)
            self.assertEqual(self.check("headings"), 2)
            self.assertEqual(self.check("tables"), 1)
            self.assertEqual(self.check("scrollers"), 1)
            self.check("overflow")
            self.assertGreaterEqual(self.check_names(), 3)

    def test_text_that_does_not_stand_out_is_found(self):
        self.plant("<p>Text</p>", "<p class=pale>Text</p>")
        self.fails("3.54 .{1,3}Text", self.check, "contrast", console.LEAST_CONTRAST)
        self.plant("<p>Text</p>", "<p class=pale>Text</p>", dark=True)
        self.check("contrast", console.LEAST_CONTRAST)
        self.plant("<p>Text</p>", "<p class=dim>Text</p>")
        self.fails("Text", self.check, "contrast", console.LEAST_CONTRAST)
        self.plant("<p>Text</p>", "<p class=veil>Text</p>")
        self.fails("Text", self.check, "contrast", console.LEAST_CONTRAST)
        self.plant('<rect class="ink" width="80"', '<rect class="bright" width="80"')
        self.fails("drawn", self.check, "contrast", console.LEAST_CONTRAST)

    def test_headings_out_of_order_are_found(self):
        self.plant("<h2>Part</h2>", "<h3>Part</h3>")
        self.fails("of level 3 follows level 1", self.check, "headings")
        self.plant("<h2>Part</h2>", "<h1>Part</h1>")
        self.fails("not one heading", self.check, "headings")
        self.plant("<h2>Part</h2>", "<h2></h2>")
        self.fails("empty", self.check, "headings")

    def test_controls_and_tables_without_a_name_are_found(self):
        for old, new in ('<button id="one">One</button>', '<button id="one"></button>'), \
                ('<button id="one">One</button>', '<input id="one">'), ("<caption>Things</caption>", ""), \
                (' role="img" aria-label="a drawing"', ' role="img"'):
            self.plant(old, new)
            self.fails("without a name", self.check_names)
        self.plant("<caption>Things</caption>", "")
        self.fails("no caption", self.check, "tables")
        self.plant('<th scope="col">Name</th>', "<th>Name</th>")
        self.fails("no scope", self.check, "tables")
        self.plant("Rows now", "")
        self.fails("an empty head", self.check, "tables")

    def test_what_reaches_beyond_the_edge_is_found(self):
        self.plant('class="box" tabindex="0"', "")
        self.fails("wide in a window", self.check, "overflow")
        self.plant('class="box" tabindex="0"', 'class="box"')
        self.browser.script("document.querySelector('.box').tabIndex = -1")
        self.fails("cannot be reached by keyboard", self.check, "scrollers")

    def test_errors_and_violations_are_found_in_the_log(self):
        self.expect_noted("planted|Content Security Policy")
        for plant, words in ('<script src="/throws.js"></script>', "planted failure"), ('<script src="/rejects.js"></script>', "planted refusal"), \
                ("<script>window.inline = 1</script>", "Content Security Policy"), ('<p style="color: red">x</p>', "Content Security Policy"), \
                ('<img alt="x" src="http://127.0.0.1:9/x.png">', "Content Security Policy"):
            self.plant("<p>Text</p>", plant)
            noted = []

            def told():
                noted.extend(entry["message"] for entry in self.browser.log())
                return any(words in message for message in noted)

            until(lambda: f"the log to tell of {plant}, not {noted}", told)

    def test_lists_and_figures_are_read_as_they_are_written(self):
        self.plant()
        self.assertEqual(self.keys("things"), ["7"])
        self.assertEqual(self.cell("things", 7, "rows"), "1,007")
        self.assertEqual(console.digits(self.cell("things", 7, "rows")), "1007")
        self.assertIsNone(self.cell("things", 8, "rows"))
        self.assertEqual(self.figures(), {"rows": "1007"})
        self.fails("no list other", self.keys, "other")
        self.fails("no column other", self.cell, "things", 7, "other")
        self.fails("to list .'8'., not .'7'.", self.until_listed, "things", [8], 0.1)

    def test_a_threshold_whose_frames_take_long_is_found_by_the_bench(self):
        self.plant("<p>Text</p>", '<input type="range" id="threshold" min="1" max="255" value="1"><script type="module" src="/slow.js"></script>')
        self.assertGreater(map_bench.p95(map_bench.drag(self.browser)), 65)

    def test_what_is_received_is_counted_for_the_bench(self):
        browser = webdriver.Browser(traffic=True)
        try:
            browser.traffic()
            browser.go(f"http://127.0.0.1:{self.server.server_port}/")
            counted = map_bench.received(browser)
        finally:
            browser.end()
        written = len(GOOD) + len(STYLE)
        self.assertGreater(counted, written)
        self.assertLess(counted, written + 3000, "what was sent, and heads")

    def test_keys_go_to_what_has_the_focus(self):
        self.plant()
        self.browser.keys(TAB)
        self.assertEqual(self.browser.script("return document.activeElement.id"), "one")
        self.browser.keys(TAB)
        self.assertEqual(self.browser.script("return document.activeElement.className"), "box")
        self.browser.keys(TAB, held=(SHIFT,))
        self.assertEqual(self.browser.script("return document.activeElement.id"), "one")


class Ends(unittest.TestCase):
    def test_a_browser_that_has_ended_leaves_no_process_and_no_file(self):
        browser = webdriver.Browser()
        self.assertGreater(len(browser.processes()), 2)
        self.assertTrue(os.path.isdir(browser.profile))
        browser.end()
        self.assertEqual(browser.processes(), [])
        self.assertFalse(os.path.exists(browser.profile))

    def test_a_wait_that_gives_up_says_for_what(self):
        with self.assertRaisesRegex(AssertionError, re.escape("waited 0.05 s for the sun to rise; seen last: 0")):
            until("the sun to rise", lambda: 0, 0.05)


if __name__ == "__main__":
    console.main()
