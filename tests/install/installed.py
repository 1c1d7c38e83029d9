# Walks an installed package in a root folder as a new operator would: its units' commands, its sample, its paths.
"""usage: installed.py ROOT

The package is installed in ROOT. Runs in namespaces of its own (mounts, network, processes), which it makes: the machine's ports and
processes are not touched, and nothing that it starts outlives it. Needs root. Prints what it saw; exit code 1 when something was wrong.
"""
import ctypes
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

PATIENCE_S = 30
ROOT = pathlib.Path("/")
LOGS = pathlib.Path("/")
MS_REC, MS_BIND, MS_PRIVATE = 0x4000, 0x1000, 0x40000


class Wrong(Exception):
    pass


def say(text):
    print(f"    {text}", flush=True)


def must(condition, what):
    if not condition:
        raise Wrong(what)


def mount(source, target, kind=None, flags=0):
    libc = ctypes.CDLL(None, use_errno=True)
    encode = lambda text: None if text is None else str(text).encode()
    if libc.mount(encode(source), encode(target), encode(kind), flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}")


def loopback_up():
    """The new network has a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running


def command(words, user="root", environment=None):
    switch = [] if user == "root" else [f"--userspec={user}:{user}"]
    return ["chroot", *switch, str(ROOT), "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
            *(f"{k}={v}" for k, v in (environment or {}).items()), *words]


def run(*words, user="root"):
    """What it prints; it must succeed."""
    done = subprocess.run(command(words, user), capture_output=True, text=True, timeout=120, check=False, cwd="/")
    must(done.returncode == 0, f"{' '.join(words)}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout


def has(name):
    return any((ROOT / folder / name).exists() for folder in ("usr/bin", "usr/sbin", "bin", "sbin"))


class Unit:
    """What systemd would run, as the same user, with the same environment and folders; not its sandbox."""

    def __init__(self, name, instance=""):
        text = (ROOT / "usr/lib/systemd/system" / name).read_text(encoding="utf-8").replace("\\\n", " ").replace("%i", instance)
        self.settings = re.findall(r"(?m)^([A-Za-z]+)=(.*)$", text)
        self.name = name.replace("@", "@" + instance)
        self.process = None
        self.user = self.all("User")[0]
        self.environment = dict(e.split("=", 1) for line in self.all("Environment") for e in shlex.split(line))
        for file in self.all("EnvironmentFile"):
            path = ROOT / file.lstrip("-/")
            if path.exists():
                self.environment.update(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)

    def all(self, key):
        return [value for k, value in self.settings if k == key]

    def words(self):
        out = []
        for word in self.all("ExecStart")[0].split():
            if re.fullmatch(r"\$\w+", word):
                out += self.environment.get(word[1:], "").split()
            else:
                out.append(re.sub(r"\$\{(\w+)\}", lambda m: self.environment.get(m.group(1), ""), word))
        return out

    def start(self, ready):
        for folder in " ".join(self.all("StateDirectory")).split():
            run("install", "-d", "-m", self.all("StateDirectoryMode")[0], "-o", self.user, "-g", self.user, "/var/lib/" + folder)
        log = open(LOGS / f"{self.name}.out", "w+b")
        umask = int(self.all("UMask")[0], 8)
        self.process = subprocess.Popen(command(self.words(), self.user, self.environment), stdout=log, stderr=log, cwd="/",
                                        preexec_fn=lambda: os.umask(umask) and None)
        until = time.monotonic() + PATIENCE_S
        while ready not in (said := pathlib.Path(log.name).read_text(errors="replace")):
            must(self.process.poll() is None and time.monotonic() < until, f"{self.name} did not start: {said}")
            time.sleep(0.02)
        say(f"{self.name} runs as {self.user}: {[line for line in said.splitlines() if ready in line][0]}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        must(code == 0, f"{self.name} ended with {code}")


def readme_commands():
    """The indented commands of README.Debian, as they stand there."""
    text = (ROOT / "usr/share/doc/muster/README.Debian").read_text(encoding="utf-8") if (ROOT / "usr/share/doc/muster").exists() else ""
    return re.findall(r"(?m)^  ((?:runuser|muster) .*)$", text)


def walk():
    coordinator, first, second = Unit("muster-coordinator.service"), Unit("muster-node@.service", "n1"), Unit("muster-node@.service", "n2")
    coordinator.start("muster coordinator: listening on 127.0.0.1:7700, http 127.0.0.1:7780")
    first.start("muster node: n1 listening on ")
    second.start("muster node: n2 listening on ")
    run("muster", "wait", "--nodes", "2", "--timeout-s", "20")
    must("coordinator.yaml" in " ".join(coordinator.words()), "the coordinator does not read its settings")
    commands = readme_commands()
    must(len(commands) >= 4, f"README.Debian has only these commands: {commands}")
    said = ""
    for line in commands:
        said += run(*shlex.split(line))
    must(re.search(r"(?m)^ +0 +\d+ +[0-9.]+ +lake$", said), f"the sample was not searched: {said}")
    say(f"the commands of README.Debian work: {len(commands)}; \"river\" has the neighbour \"lake\"")
    with urllib.request.urlopen("http://127.0.0.1:7780/readyz", timeout=PATIENCE_S) as answer:
        must(answer.status == 200, "HTTP is not ready")
    with urllib.request.urlopen("http://127.0.0.1:7780/", timeout=PATIENCE_S) as answer:
        page = answer.read().decode("utf-8")
        must(answer.headers.get_content_type() == "text/html", "a browser gets no page")
    parts = re.findall(r'(?:src|href)="(/?[^":#]+)"', page)
    must(len(parts) > 1, f"the page has no parts: {page}")
    for part in parts:
        with urllib.request.urlopen("http://127.0.0.1:7780/" + part.lstrip("/"), timeout=PATIENCE_S) as answer:
            must(answer.status == 200 and len(answer.read()) > 0, part)
    say(f"a browser gets the console: a page and its {len(parts)} parts, all from the binary")
    browser_shows("words")
    if has("python3"):
        collections = run("python3", "-B", "-c", "import muster; c = muster.Client('127.0.0.1:7780'); print(muster.__file__, c.call('ShowLoadCollections'))")
        must("/usr/lib/python3/dist-packages/muster.py" in collections and "words" in collections, collections)
        say("the client for Python lies where python3 finds it")
    else:
        say("no python3 there: the client for Python is not tried")
    owner = {p.stat().st_uid for p in (ROOT / "var/lib/muster").rglob("*")}
    must(owner == {(ROOT / "var/lib/muster").stat().st_uid} and 0 not in owner, f"files of other users: {owner}")
    # Asked to end, a node drains: the other one has all then.
    first.end()
    placed = json.loads(run("muster", "status", "--json"))
    must([n["name"] for n in placed["nodes"] if n["state"] == "connected"] == ["n2"], str(placed["nodes"]))
    must("lake" in run("muster", "search", "words", "--like", "river", "-k", "5"), "no search after a node went")
    run("muster", "release", "words")
    second.end()
    coordinator.end()
    say("a node drained and ended, the other one answered; all ended with 0")
    coordinator.start("epoch 2, process")
    must("words" in run("muster", "collections"), "the collection is lost")
    coordinator.end()
    say("a second start knows the collection")


def browser_shows(collection):
    """The browser is this machine's, the coordinator that of the package."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "browser"))
    import webdriver
    if webdriver.missing():
        say(f"no {webdriver.missing()} here: the console was fetched, but no browser has shown it")
        return
    browser = webdriver.Browser()
    try:
        browser.go("http://127.0.0.1:7780/#/collections")
        row = "const r = [...document.querySelectorAll('table[data-list=collections] tbody tr')].find((r) => r.cells[0].textContent === arguments[0]); return r?.textContent"
        shown = webdriver.until(f"{collection} in the list of collections", lambda: browser.script(row, collection))
        must("100%" in shown, f"the console shows {collection} as {shown!r}")
        noted = [n for n in browser.log() if n["level"] == "SEVERE"]
        must(noted == [], f"the browser notes {noted}")
    finally:
        browser.end()
    say(f"a browser shows {collection} in the console, loaded")


def units_verified():
    """As systemd reads them where they lie, with the pages of the manual that they name."""
    if not has("systemd-analyze"):
        say("no systemd there: the units are not verified")
        return
    pages = "yes" if has("man") else "no"
    for name, unit in (("muster-coordinator.service", "muster-coordinator.service"), ("muster-node@n1.service", "muster-node@.service")):
        link = ROOT / "tmp" / name
        link.symlink_to("/usr/lib/systemd/system/" + unit)
        done = subprocess.run(command(["systemd-analyze", "verify", f"--man={pages}", "/tmp/" + name]), capture_output=True, text=True, timeout=60, check=False, cwd="/")
        link.unlink()
        told = [line for line in (done.stdout + done.stderr).splitlines() if "muster" in line]
        must(told == [], f"{unit}: {told}")
    say(f"systemd finds no fault in the units (pages of the manual looked up: {pages})")


def tab(shell, first, typed, expected):
    """Presses keys in an interactive shell, until it shows what is expected."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv("/usr/sbin/chroot", command(shell, environment={"TERM": "dumb", "PS1": "$ "}))
    seen, until, begun = "", time.monotonic() + PATIENCE_S, False
    os.write(terminal, (first + "; echo rea''dy\n").encode())
    while expected not in seen and time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
            seen = re.sub("\x1b\\[[?0-9;]*[a-zA-Z]|.\x08", "", seen)  # what the cursor went back over is not seen
        if "ready\r\n" in seen and not begun:
            begun, seen = True, ""
            os.write(terminal, typed.encode())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    must(expected in seen, f"{shell[0]}: {typed!r} showed {seen!r}")


def shells_complete():
    if (ROOT / "usr/share/bash-completion/bash_completion").exists():
        tab(["bash", "--norc", "--noprofile", "-i"], "source /usr/share/bash-completion/bash_completion", "muster coordi\t--log-f\t", "muster coordinator --log-format")
        say("bash completes where its package of completions loads the script")
    if has("zsh"):
        run("zsh", "-n", "/usr/share/zsh/vendor-completions/_muster")
        for typed, expected in (("muster coordi\t--log-form\t", "muster coordinator --log-format="), ("muster load --js\t", "muster load --json "),
                                ("muster index cre\t--rows\t", "muster index create --rows-from="), ("muster actors --sort=han\t", "--sort=handled "),
                                ("muster journal \t", "muster journal tail ")):
            tab(["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D", typed, expected)
        say("zsh reads its script and completes commands, options and choices")


def pages_read():
    if has("man"):
        must("Have a collection served" in run("man", "muster-load").replace("\n", " "), "man muster-load")
        say("man shows a page")


def main():
    global ROOT, LOGS
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    ROOT = pathlib.Path(sys.argv[1]).resolve()
    if os.getpid() != 1:  # not yet in the namespaces
        return subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", sys.executable, "-B", __file__, str(ROOT)], check=False).returncode
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc")
    mount("proc", ROOT / "proc", "proc")
    mount("/dev", ROOT / "dev", None, MS_BIND | MS_REC)
    loopback_up()
    with tempfile.TemporaryDirectory() as logs:
        LOGS = pathlib.Path(logs)
        try:
            walk()
            units_verified()
            shells_complete()
            pages_read()
        except (Wrong, subprocess.TimeoutExpired) as why:
            print(f"installed: {why}", file=sys.stderr)
            for log in sorted(LOGS.iterdir()):
                print(f"{log.name}: {log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
