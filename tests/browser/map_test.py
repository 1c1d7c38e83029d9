# Guards the placement map: each cell is drawn as /v1 answers it, the threshold hides what is less, a cell explains itself, by hand and keys.
import base64

import console
from webdriver import DOWN, END, ENTER, HOME, LEFT, RIGHT, UP, until

# Read from a copy: to read from a canvas changes how the browser draws it.
PIXELS = """
const canvas = document.querySelector('#page canvas');
const copy = document.createElement('canvas');
[copy.width, copy.height] = [canvas.width, canvas.height];
const paper = copy.getContext('2d', {willReadFrequently: true});
paper.drawImage(canvas, 0, 0);
const {data} = paper.getImageData(0, 0, canvas.width, canvas.height);
const pixels = [];
for (let i = 0; i < data.length; i += 4) pixels.push(`${data[i]},${data[i + 1]},${data[i + 2]}`);
return {width: canvas.width, height: canvas.height, pixels};
"""
CELL = """
const box = document.querySelector('#page canvas').getBoundingClientRect();
return [box.left + (arguments[1] + 0.5) * box.width / arguments[3], box.top + (arguments[0] + 0.5) * box.height / arguments[2]];
"""
SET_THRESHOLD = """
const range = document.getElementById('threshold');
range.value = arguments[0];
for (const n of ['input', 'change']) range.dispatchEvent(new Event(n, {bubbles: true}));
"""


class Map(console.Sample):
    def asked(self, measure="rows"):
        """Nodes, columns, and the byte of each cell by line."""
        told = self.ask("PlacementMap", measure=measure)
        return told["nodes"], told["columns"], [list(base64.b64decode(n["cells"])) for n in told["nodes"]]

    def until_drawn(self, measure="rows"):
        """The picture is that of the answer: nothing where there is nothing, the same colour for the same amount."""
        def look():
            nodes, columns, cells = self.asked(measure)
            picture = self.browser.script(PIXELS)
            if (picture["width"], picture["height"]) != (len(columns), len(nodes)):
                return None
            drawn = {}
            for byte, pixel in zip((b for line in cells for b in line), picture["pixels"]):
                drawn.setdefault(byte, set()).add(pixel)
            if any(len(pixels) != 1 for pixels in drawn.values()) or any(drawn[0] == drawn[b] for b in drawn if b != 0 and 0 in drawn):
                return None
            return nodes, columns, cells

        return until(f"the map of {measure} to be drawn as it is answered", look)

    def until_shown(self, number):
        until(lambda: f"{number} cells to be shown, not {self.figures().get('shown')}", lambda: self.figures().get("shown") == str(number))

    def details(self):
        """Of the cell that was chosen: its heading and the keys of its holdings."""
        return (self.browser.text("#page section:has(table[data-list=holdings]) h2"), self.keys("holdings")) if self.browser.has(
            "#page table[data-list=holdings]") else None

    def test_each_cell_is_drawn_as_it_is_answered(self):
        self.open("#/map")
        nodes, columns, cells = self.until_drawn()
        self.assertEqual((len(nodes), sum(c["count"] for c in columns)), (3, 3))
        self.assertEqual((self.figures()["nodes"], self.figures()["collections"]), ("3", "3"))
        self.until_shown(sum(b > 0 for line in cells for b in line))
        self.assertGreater(self.browser.script("return performance.getEntriesByName('map-painted').length"), 0)

    def test_the_threshold_hides_what_is_less_and_the_link_keeps_it(self):
        self.open("#/map")
        _, _, cells = self.until_drawn()
        levels = sorted({b for line in cells for b in line if b > 0})
        self.assertGreater(len(levels), 1, "the sample has cells that differ")
        before = self.browser.script(PIXELS)["pixels"]
        self.browser.script(SET_THRESHOLD, levels[-1])
        most = sum(b >= levels[-1] for line in cells for b in line)
        self.until_shown(most)
        self.assertNotEqual(self.browser.script(PIXELS)["pixels"], before)
        address = self.browser.url()
        self.browser.go("about:blank")
        self.browser.go(address)
        self.shown("#/map")
        self.until_shown(most)

    def test_it_is_coloured_by_rows_memory_or_replica_and_the_link_keeps_it(self):
        self.open("#/map")
        for measure in "memory", "replica", "rows":
            with self.subTest(measure=measure):
                self.browser.choose("#measure", measure)
                self.until_drawn(measure)
                for scheme in "light", "dark":
                    self.browser.media(prefers_color_scheme=scheme)
                    self.until_drawn(measure)
                    self.check("contrast", console.LEAST_CONTRAST)
                    self.picture(f"map-{measure}-{scheme}")
                self.browser.media(prefers_color_scheme="light")
                address = self.browser.url()
                self.browser.go("about:blank")
                self.browser.go(address)
                self.shown("#/map")
                self.until_drawn(measure)
                self.assertEqual(self.browser.script("return document.getElementById('measure').value"), measure)

    def test_a_click_on_a_cell_explains_it(self):
        self.open("#/map")
        nodes, columns, cells = self.until_drawn()
        line, column = next((i, k) for i, row in enumerate(cells) for k, b in enumerate(row) if b > 0)
        self.browser.pointer("mouseMoved", *self.place(line, column, nodes, columns))
        until("the cell that is pointed at to be told", lambda: self.says(nodes[line], columns[column]))
        for kind in "mousePressed", "mouseReleased":
            self.browser.pointer(kind, *self.place(line, column, nodes, columns), button="left", clickCount=1)
        self.explained(nodes[line], columns[column])
        for scheme in "light", "dark":
            self.browser.media(prefers_color_scheme=scheme)
            self.check("contrast", console.LEAST_CONTRAST)
            self.picture(f"map-chosen-{scheme}")
        self.check_names()
        self.check("headings")
        self.check("tables")

    def place(self, line, column, nodes, columns):
        return self.browser.script(CELL, line, column, len(nodes), len(columns))

    def says(self, node, column):
        told = self.browser.text("#page [role=status]") or ""
        return node["name"] in told and column["firstName"] in told

    def explained(self, node, column):
        until(f"{node['name']} x {column['firstName']} to be explained", lambda: (d := self.details()) and node["name"] in d[0])
        held = [h for h in self.ask("PlacementMap", node=node["node"])["holdings"] if int(column["first"]) <= int(h["collection"]) <= int(column["last"])]
        self.assertEqual(self.details()[1], [h["collection"] for h in held])
        self.assertEqual(console.digits(self.cell("holdings", self.details()[1][0], "rows")), held[0]["rows"])
        links = self.browser.script("return [...document.querySelectorAll('#page section:has(table[data-list=holdings]) a')].map((a) => a.hash)")
        self.assertTrue([link for link in links if link.startswith("#/explain/")], links)

    def test_keys_go_from_cell_to_cell_and_explain(self):
        self.open("#/map")
        nodes, columns, cells = self.until_drawn()
        self.browser.script("document.querySelector('#page canvas').focus()")
        self.browser.keys(END, DOWN, DOWN, UP, LEFT, RIGHT)
        until("the cell that the keys went to", lambda: self.says(nodes[1], columns[-1]))
        self.browser.keys(HOME, UP, UP)
        until("the first cell", lambda: self.says(nodes[0], columns[0]))
        column = next(k for k, b in enumerate(cells[0]) if b > 0)
        self.browser.keys(*[RIGHT] * column, ENTER)
        self.explained(nodes[0], columns[column])
        self.assertEqual(self.browser.script("return document.activeElement.localName"), "h2", "the focus goes to what was asked for")

    def test_what_changes_arrives_on_the_map(self):
        self.open("#/map")
        _, columns, _ = self.until_drawn()
        self.cluster.run("load", "shelved")
        _, more, _ = self.until_drawn()
        self.assertEqual(len(more), len(columns) + 1)
        self.cluster.run("release", "shelved")
        _, fewer, _ = self.until_drawn()
        self.assertEqual(len(fewer), len(columns))


if __name__ == "__main__":
    console.main()
