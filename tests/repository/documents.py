# Checks that the documents name only files, commands, options, tests and packages that exist.
"""usage: documents.py MUSTER_BINARY BUILD_FOLDER"""
import json
import re
import shlex
import subprocess
import sys
import unittest

from sources import ROOT, files, text

MUSTER = ""
BUILD = ""
DOCUMENTS = [path for path in files(".md")]
CODE = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
# A word of a document that is a path of this repository: begins with one of its folders, or is a file at its root.
FOLDERS = "messages|persistence|actors|net|deploy|tests|\\.ci"
PATH = re.compile(rf"^(?:\./)?((?:{FOLDERS})/[\w./*{{}},-]*|[A-Z]+\.md|LICENSE|CMakeLists\.txt)$")
PLACEHOLDER = re.compile(r"\b[A-Z]+_(?:OUTPUT|TIMES|FIGURES)\b|\b(?:TODO|FIXME|TBD|XXX)\b")


def blocks(path):
    return CODE.findall(text(path))


def inline(path):
    return INLINE.findall(CODE.sub("", text(path)))


def command_lines(path):
    """Commands in code blocks: continued lines joined, comments and prompts cut off."""
    for block in blocks(path):
        for line in re.sub(r"\\\n\s*", " ", block).split("\n"):
            line = re.sub(r"(^|\s)#.*$", "", line).strip()
            line = re.sub(r"^\$ ", "", line)
            if line:
                yield line


def words_of(command):
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def help_of(*words):
    got = subprocess.run([*words, "--help"], capture_output=True, text=True, timeout=20, check=False)
    return got.stdout if got.returncode == 0 else ""


def exists(name, beside):
    name = name.rstrip("/.,")
    if "{" in name or "*" in name:
        return any((ROOT / name.split("*")[0].split("{")[0]).parent.glob("*"))
    # `persistence/catalogue` stands for its header and its source.
    places = (ROOT / name, (ROOT / beside).parent / name)
    return any(place.exists() or any(place.parent.glob(place.name + ".?pp")) for place in places)


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        wrong = [f"{path}: {link}" for path in DOCUMENTS for link in LINK.findall(text(path))
                 if not re.match(r"https?:", link) and not (ROOT / path).parent.joinpath(link).exists()]
        self.assertEqual(wrong, [])

    def test_named_files_exist(self):
        wrong = []
        for path in DOCUMENTS:
            named = inline(path) + [word for line in command_lines(path) for word in words_of(line)]
            for word in named:
                found = PATH.match(word)
                if found and not exists(found.group(1), path):
                    wrong.append(f"{path}: {word}")
        self.assertEqual(wrong, [])

    def test_commands_of_muster_and_their_options_exist(self):
        commands = set(re.findall(r"^  ([a-z][a-z-]*) +\S", help_of(MUSTER).split("Subcommands:")[1].split("\n\n")[0],
                                  re.MULTILINE))
        self.assertGreater(len(commands), 5)
        helps = {}
        wrong = []
        checked = 0
        for path in DOCUMENTS:
            lines = list(command_lines(path)) + [i for i in inline(path) if i.startswith("muster ")]
            for line in lines:
                words = words_of(line)
                if not words or words[0] not in ("muster", "build/muster", "./build/muster"):
                    continue
                # `muster load|release`, `muster COMMAND`: choices and names to fill in.
                for command in words[1].split("|") if len(words) > 1 else []:
                    # `muster load: ...` is what it printed.
                    if command.startswith("-") or command.isupper() or command.endswith(":"):
                        continue
                    checked += 1
                    if command not in commands:
                        wrong.append(f"{path}: muster {command}")
                        continue
                    if command not in helps:
                        helps[command] = help_of(MUSTER, command)
                    for option in words[2:]:
                        option = option.strip("[]")
                        if re.match(r"^--?[a-z]", option) and not re.search(
                                rf"(^|[\s,[]){re.escape(option.split('=')[0])}([\s,]|$)", helps[command]):
                            wrong.append(f"{path}: muster {command} {option}")
        self.assertEqual(wrong, [])
        self.assertGreater(checked, 10, "no commands were found in the documents: is this check still looking?")

    def test_scripts_know_the_arguments_that_documents_give_them(self):
        wrong = []
        for path in DOCUMENTS:
            for line in list(command_lines(path)) + inline(path):
                found = re.match(r"^(?:\./)?(deploy/(?:run|test|bench|tour|package))(?: ([a-z-]+))?$", line)
                if not found:
                    continue
                script, argument = found.groups()
                if not (ROOT / script).exists():
                    wrong.append(f"{path}: {script}")
                elif argument and not re.search(rf"(^|[\s\[|]){re.escape(argument)}([\s\]|]|$)",
                                                help_of(str(ROOT / script)), re.MULTILINE):
                    wrong.append(f"{path}: {line}")
        self.assertEqual(wrong, [])

    def test_named_tests_exist(self):
        listed = json.loads(subprocess.run(["ctest", "--test-dir", BUILD, "--show-only=json-v1"], capture_output=True,
                                           text=True, timeout=120, check=True).stdout)
        names = [t["name"] for t in listed["tests"]]
        wrong = []
        for path in DOCUMENTS:
            for line in command_lines(path):
                for pattern in re.findall(r"--gtest_filter='?([^'\s]+)", line):
                    shape = re.compile(re.escape(pattern).replace(r"\*", ".*"))
                    if not any(shape.fullmatch(name) for name in names):
                        wrong.append(f"{path}: {pattern}")
        self.assertEqual(wrong, [])

    def test_nothing_is_left_to_be_filled_in(self):
        wrong = [f"{path}: {found.group(0)}" for path in DOCUMENTS for found in PLACEHOLDER.finditer(text(path))]
        self.assertEqual(wrong, [])

    def test_each_package_is_explained(self):
        packages = [line.split()[0] for line in text("deploy/packages.txt").split("\n")
                    if line.strip() and not line.startswith("#")]
        self.assertGreater(len(packages), 10)
        rows = [line for line in text("CONTRIBUTING.md").split("\n") if line.startswith("|")]
        unexplained = [p for p in packages if not any(f"`{p}`" in row.split("|")[1] and row.split("|")[3].strip()
                                                      for row in rows if row.count("|") >= 4)]
        self.assertEqual(unexplained, [], "these have no row of their own in CONTRIBUTING.md's table of dependencies")
        explained = {name for row in rows if row.count("|") >= 4 and "licence" not in row
                     for name in re.findall(r"`([a-z0-9+.-]+)`", row.split("|")[1])}
        surplus = sorted(name for name in explained & {n for n in explained if re.match(r"^(lib|g\+\+|cmake|ninja|capnp|python)", n)}
                         if name not in packages)
        self.assertEqual(surplus, [], "these are explained but not installed by deploy/packages.txt")
        bare = [line for line in text("deploy/packages.txt").split("\n")
                if line.strip() and not re.match(r"^#|^\S+ +# \S", line)]
        self.assertEqual(bare, [], "these have no reason beside them in deploy/packages.txt")


if __name__ == "__main__":
    BUILD = sys.argv.pop(2)
    MUSTER = sys.argv.pop(1)
    unittest.main(verbosity=2)
