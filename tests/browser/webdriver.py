# A small client of the W3C WebDriver protocol: one headless Chromium behind a chromedriver of its own, over the standard library.
import atexit
import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE_S = 20  # for whatever a page or a browser is waited for
COMMAND_S = 60  # one command of the protocol
STEP_S = 0.02  # between two looks
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # key of an element in the protocol's JSON

TAB, ENTER, ESCAPE, SPACE, SHIFT = "\ue004", "\ue007", "\ue00c", " ", "\ue008"
END, HOME, LEFT, UP, RIGHT, DOWN = "\ue010", "\ue011", "\ue012", "\ue013", "\ue014", "\ue015"

# What a page may be about to change: the next look may find it.
PASSING = ("stale element reference", "no such element", "element not interactable", "element click intercepted")

_alive = []


class WebDriverError(Exception):
    """What chromedriver answered instead of a result."""

    def __init__(self, command, error, message):
        super().__init__(f"{command}: {error}: {message.splitlines()[0] if message else ''}")
        self.error = error


def end_all():
    for browser in list(_alive):
        browser.end()


# A signal ends the interpreter by an exception, so that no browser outlives its test.
signal.signal(signal.SIGTERM, signal.default_int_handler)
atexit.register(end_all)


def missing():
    """The program that is not installed; None when a browser can be started."""
    return next((name for name in ("chromium", "chromedriver") if not shutil.which(name)), None)


class Browser:
    """`width` and `height` are those of the page itself; `traffic`: note what it sends and receives. Ended by end(), else with the
    interpreter."""

    def __init__(self, width=1280, height=800, traffic=False):
        self.profile = tempfile.mkdtemp(prefix="muster-browser.")
        self.driver = None
        self.session = None
        self.logs = {"browser": "ALL", **({"performance": "ALL"} if traffic else {})}
        _alive.append(self)
        try:
            self._start_driver()
            self._start_session(width, height)
            self.size(width, height)
        except BaseException:
            self.end()
            raise

    def _start_driver(self):
        self.out = open(self.profile + "/chromedriver.out", "w+b")
        # Whatever it or the browser writes goes with the profile.
        environment = dict(os.environ, TMPDIR=self.profile, HOME=self.profile)
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=self.out, stderr=subprocess.STDOUT, env=environment)
        ready = "was started successfully on port "

        def port():
            if self.driver.poll() is not None:
                raise AssertionError(f"chromedriver ended at once: {self._said()}")
            return self._said().partition(ready)[2].partition(".")[0]

        self.port = int(until("chromedriver to tell its port", port))

    def _said(self):
        with open(self.out.name, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def _start_session(self, width, height):
        arguments = ["--headless=new", "--disable-dev-shm-usage", f"--window-size={width},{height + 200}",
                     f"--user-data-dir={self.profile}/profile", "--no-first-run", "--disable-extensions", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--no-default-browser-check", "--force-color-profile=srgb",
                     "--lang=en-US", "--disable-features=Translate,OptimizationHints,MediaRouter"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium refuses to run with it as root.
        options = {"binary": shutil.which("chromium"), "args": arguments}
        asked = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": self.logs,
                 "timeouts": {"script": COMMAND_S * 1000, "pageLoad": PATIENCE_S * 1000, "implicit": 0}}
        answer = self._command("POST", "/session", {"capabilities": {"alwaysMatch": asked}})
        self.session = answer["sessionId"]

    def _command(self, verb, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=COMMAND_S + 5)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(verb, path, data, {"Content-Type": "application/json"} if data else {})
            response = connection.getresponse()
            value = json.loads(response.read())["value"]
        finally:
            connection.close()
        if response.status != 200:
            raise WebDriverError(f"{verb} {path.rpartition('/')[2]}", value["error"], value["message"])
        return value

    def command(self, verb, path, body=None):
        return self._command(verb, f"/session/{self.session}/{path}", {} if body is None and verb == "POST" else body)

    def end(self):
        """Closes the browser, ends the driver and removes the profile."""
        if self in _alive:
            _alive.remove(self)
        if self.session is not None and self.driver.poll() is None:
            try:
                self._command("DELETE", f"/session/{self.session}")
            except (OSError, WebDriverError, http.client.HTTPException):
                pass  # It is ended below.
        if self.driver is not None:
            self.driver.terminate()
            try:
                self.driver.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.driver.kill()
                self.driver.wait()
            self.out.close()
            self._end_processes()
        shutil.rmtree(self.profile, ignore_errors=True)

    def processes(self):
        """Ids of the processes that have the profile of this browser, and of no other."""
        found = []
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if name.isdigit() and self.profile.encode() in file.read():
                        found.append(int(name))
            except OSError:
                continue  # it has just ended
        return found

    def _end_processes(self):
        """What has not ended with its session."""
        until_then = time.monotonic() + 5
        while (left := self.processes()) and time.monotonic() < until_then:
            time.sleep(STEP_S)
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # -- pages and what is in them ----------------------------------------------------

    def go(self, url):
        self.command("POST", "url", {"url": url})

    def reload(self):
        self.command("POST", "refresh")

    def back(self):
        self.command("POST", "back")

    def url(self):
        return self.command("GET", "url")

    def title(self):
        return self.command("GET", "title")

    def script(self, body, *arguments):
        """What the body of a function returns in the page, a promise awaited."""
        return self.command("POST", "execute/sync", {"script": body, "args": list(arguments)})

    def find(self, css):
        """The first such element; it must be there."""
        return self.command("POST", "element", {"using": "css selector", "value": css})[ELEMENT]

    def has(self, css):
        return self.script("return document.querySelector(arguments[0]) !== null", css)

    def text(self, css):
        """What is written in the first such element, as one line; None without one."""
        return self.script("const e = document.querySelector(arguments[0]); return e && e.textContent.replace(/\\s+/g, ' ').trim()", css)

    def click(self, css, seconds=PATIENCE_S):
        """As a pointer does, when the element is there, in sight and nothing is above it."""
        return until(f"{css} to be clicked", lambda: self.command("POST", f"element/{self.find(css)}/click") is None, seconds)

    def type(self, css, text):
        """Takes away what is in a field and types a text."""
        element = until(f"a field {css}", lambda: self.find(css))
        self.command("POST", f"element/{element}/clear")
        self.command("POST", f"element/{element}/value", {"text": text})

    def choose(self, css, value):
        """An option of a select, as a user does: by its keyboard. The page hears input and change."""
        self.script("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                    "for (const n of ['input', 'change']) e.dispatchEvent(new Event(n, {bubbles: true}))", css, value)

    def keys(self, *pressed, held=()):
        """Presses keys one after the other, to whatever has the focus."""
        steps = [{"type": "keyDown", "value": key} for key in held]
        for key in pressed:
            steps += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        steps += [{"type": "keyUp", "value": key} for key in reversed(held)]
        self.command("POST", "actions", {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]})

    # -- the browser itself -----------------------------------------------------------

    def cdp(self, method, **parameters):
        """A command of the DevTools protocol."""
        return self.command("POST", "goog/cdp/execute", {"cmd": method, "params": parameters})

    def size(self, width, height):
        """Of the page in CSS pixels."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        """What the page is told of its surroundings: media(prefers_color_scheme="dark")."""
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.cdp("Emulation.setEmulatedMedia", features=told)

    def screenshot(self, path, most_height=4000):
        """All of the page, also what is out of sight, as PNG."""
        wide, high = self.script("return [innerWidth, innerHeight]")
        # The page ends where its content does; twice, because a taller window may be laid out in another way.
        for _ in range(2):
            whole = self.script("return document.documentElement.scrollHeight")
            if high < whole:
                self.size(wide, min(whole, most_height))
        png = base64.b64decode(self.command("GET", "screenshot"))
        self.size(wide, high)
        with open(path, "wb") as file:
            file.write(png)

    def accessibility(self):
        """The nodes of the accessibility tree that are not ignored, in order: role, name and further properties."""
        nodes = []
        for node in self.cdp("Accessibility.getFullAXTree")["nodes"]:
            if not node.get("ignored"):
                properties = {p["name"]: p["value"].get("value") for p in node.get("properties", ())}
                nodes.append({"role": node.get("role", {}).get("value", ""), "name": node.get("name", {}).get("value", ""),
                              "element": node.get("backendDOMNodeId"), **properties})
        return nodes

    def markup(self, backend_node):
        """The beginning of an element as it is written, to tell which one it is."""
        return self.cdp("DOM.getOuterHTML", backendNodeId=backend_node)["outerHTML"][:160]

    def log(self):
        """What the browser has noted since the last question: errors, violations, console messages."""
        return self.command("POST", "se/log", {"type": "browser"})

    def traffic(self):
        """Events of the DevTools domain Network since the last question: (name, parameters)."""
        messages = [json.loads(entry["message"])["message"] for entry in self.command("POST", "se/log", {"type": "performance"})]
        return [(m["method"], m["params"]) for m in messages if m["method"].startswith("Network.")]

    def pointer(self, kind, x, y, **more):
        """A mouse that is moved, pressed or released at a place of the page; answered when the page has handled it."""
        self.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)


def until(what, probe, seconds=PATIENCE_S, step=STEP_S):
    """The first answer of `probe` that counts as true; gives up with what was waited for (a text, or who tells it then) and what was
    seen last."""
    end = time.monotonic() + seconds
    while True:
        try:
            seen = probe()
            if seen:
                return seen
        except WebDriverError as error:
            if error.error not in PASSING:
                raise
            seen = error
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what() if callable(what) else what}; seen last: {seen!r}")
        time.sleep(step)
