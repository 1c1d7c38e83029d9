#!/usr/bin/env -S python3 -B
# Measures the placement map of a cluster that is up: bytes, time to its first painting, frames while its threshold is dragged.
"""usage: map_bench.py HTTP_HOST:PORT"""
import http.client
import json
import statistics
import sys
import time

import webdriver
from webdriver import until

OPENINGS = 5
QUIET_S = 1.5  # without a byte: what belongs to the opening has come
DRAGS = 3
MOVES = 120  # of the pointer in one drag: some two seconds of frames

PAINTED = "const m = performance.getEntriesByName('map-painted')[0]; return m ? m.startTime : 0"
# Of what is drawn: how many colours it has, and a number that tells two drawings apart. Read from a copy: to read from a canvas changes
# how the browser draws it.
DRAWN = """
const canvas = document.querySelector('#page canvas');
const copy = document.createElement('canvas');
[copy.width, copy.height] = [canvas.width, canvas.height];
const paper = copy.getContext('2d', {willReadFrequently: true});
paper.drawImage(canvas, 0, 0);
const all = paper.getImageData(0, 0, canvas.width, canvas.height).data;
const colours = new Set();
let sum = 0;
for (let i = 0; i < all.length; i += 4) {
  const colour = all[i] << 16 | all[i + 1] << 8 | all[i + 2];
  colours.add(colour);
  sum = (sum * 31 + colour) >>> 0;
}
return {colours: colours.size, sum, width: canvas.width, height: canvas.height};
"""
# From now on the time of each frame and the threshold in it.
WATCH_FRAMES = """
const range = document.getElementById('threshold');
window.frames_seen = [];
const look = (now) => { window.frames_seen.push([now, range.value]); window.frames_watched = requestAnimationFrame(look); };
requestAnimationFrame(look);
"""
FRAMES_SEEN = "cancelAnimationFrame(window.frames_watched); return window.frames_seen"
THUMB = """
const range = document.querySelector('input[type=range]#threshold');
range.scrollIntoView({block: 'center'});
const box = range.getBoundingClientRect();
const share = (range.value - range.min) / (range.max - range.min);
return {left: box.left + 8, right: box.right - 8, x: box.left + 8 + share * (box.width - 16), y: box.top + box.height / 2};
"""

missed = False


def figure(name, value, unit, at_most=None):
    """The same line as tests/bench/figure.hpp prints."""
    global missed
    met = at_most is None or value <= at_most
    missed = missed or not met
    print(f"figure {name} {value:.{2 if value < 100 else 0}f} {unit} target {'-' if at_most is None else at_most} {'met' if met else 'missed'}",
          flush=True)


def tasks_left(address):
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request("POST", "/v1/overview", "{}", {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        return answer["tasks"]
    finally:
        connection.close()


def received(browser):
    """Bytes over the wire since the last question until nothing comes any more, heads included, also of streams that go on."""
    events, last = [], time.monotonic()

    def quiet():
        nonlocal last
        if more := browser.traffic():
            events.extend(more)
            last = time.monotonic()
        return time.monotonic() - last > QUIET_S

    until("the opened page to receive nothing more", quiet, 30, step=0.1)
    heads, bodies, whole = {}, {}, {}
    for name, told in events:
        request = told.get("requestId")
        if name == "Network.responseReceived":
            heads[request] = told["response"]["encodedDataLength"]
        elif name == "Network.dataReceived":
            bodies[request] = bodies.get(request, 0) + told["encodedDataLength"]
        elif name == "Network.loadingFinished":
            whole[request] = told["encodedDataLength"]
    return sum(whole.get(r, heads.get(r, 0) + bodies.get(r, 0)) for r in heads.keys() | bodies.keys() | whole.keys())


def open_map(browser, address):
    """As somebody who was never there: milliseconds from the start of the navigation to the first painting, and bytes."""
    browser.go("about:blank")
    browser.cdp("Network.clearBrowserCache")
    browser.traffic()
    browser.go(f"http://{address}/#/map")
    painted = until("the map to be painted", lambda: browser.script(PAINTED), 60)
    until("the map to be whole", lambda: browser.script("return document.getElementById('page').getAttribute('aria-busy') === 'false'"), 60)
    drawn = browser.script(DRAWN)
    assert drawn["colours"] > 2, f"nothing is drawn: {drawn}"
    return painted, received(browser), drawn


def drag(browser):
    """The threshold from one end to the other and back, a step each frame: milliseconds of the frames that had something to draw."""
    at = browser.script(THUMB)
    browser.pointer("mousePressed", at["x"], at["y"], button="left", buttons=1, clickCount=1)
    browser.script(WATCH_FRAMES)
    for i in range(MOVES):
        way = i / (MOVES / 2)
        share = way if way <= 1 else 2 - way
        browser.pointer("mouseMoved", at["left"] + share * (at["right"] - at["left"]), at["y"], button="left", buttons=1)
    frames = browser.script(FRAMES_SEEN)
    x = at["left"] + (at["right"] - at["left"]) / 4
    browser.pointer("mouseReleased", x, at["y"], button="left", buttons=0, clickCount=1)
    # What a change costs is seen in its own frame or, drawn in the next one, in that.
    changed = [i for i in range(1, len(frames)) if frames[i][1] != frames[i - 1][1]]
    assert len(changed) > MOVES // 8, f"the threshold does not follow the pointer: {len(changed)} of {len(frames)} frames changed it"
    busy = sorted({i for c in changed for i in (c, c + 1) if i < len(frames)})
    return [frames[i][0] - frames[i - 1][0] for i in busy]


def p95(values):
    return sorted(values)[int(len(values) * 0.95)]


def main(address):
    if webdriver.missing():
        sys.exit(f"map_bench: {webdriver.missing()} is not installed; ./deploy/bench map does that")
    until("the cluster to come to rest", lambda: tasks_left(address) == 0, 120, step=0.5)
    browser = webdriver.Browser(traffic=True)
    try:
        opened = [open_map(browser, address) for _ in range(OPENINGS)]
        drawn = opened[-1][2]
        frames = []
        for _ in range(DRAGS):
            frames += drag(browser)
        after = until("the map to be drawn with the other threshold", lambda: (now := browser.script(DRAWN))["sum"] != drawn["sum"] and now)
        wrong = [entry["message"] for entry in browser.log() if entry["level"] == "SEVERE"]
    finally:
        browser.end()
    assert not wrong, f"the browser noted {wrong}"
    print(f"    a map of {drawn['width']} x {drawn['height']} pixels, {drawn['colours']} colours, then {after['colours']}; "
          f"{len(frames)} frames in {OPENINGS} openings and {DRAGS} drags")
    figure("map_bytes", max(received_bytes for _, received_bytes, _ in opened), "B", 5_000_000)
    figure("map_first_paint_ms", statistics.median(painted for painted, _, _ in opened), "ms", 2000)
    figure("map_first_paint_worst_ms", max(painted for painted, _, _ in opened), "ms")
    figure("map_drag_frame_p95_ms", p95(frames), "ms", 50)
    figure("map_drag_frame_worst_ms", max(frames), "ms")
    sys.exit(3 if missed else 0)


if __name__ == "__main__":
    main(sys.argv[1])
