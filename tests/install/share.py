# What the tests of this folder share: the program's own list of commands, and clusters.
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/http"))  # cluster.py


def told(*words):
    """What a command prints; it must succeed."""
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60, check=True).stdout


def listed(help_text):
    """Commands in a help, and what they do."""
    part = help_text.partition("Subcommands:")[2].partition("\n\n")[0]
    return dict(re.findall(r"(?m)^  ([a-z][a-z-]*) +(.*)$", part))


def options_in(help_text):
    """Options in a help, those of its own usage line included."""
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*(?![\w])", "\n".join(
        [line.split("  ")[1] for line in help_text.splitlines() if line.startswith("  -")]
        + [line for line in help_text.splitlines() if line.startswith("Usage:   muster")])))
