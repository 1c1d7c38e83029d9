# Checks which folder includes what, that no CAF reaches the folders below actors, and that the cores stay pure.
import re
import unittest

from sources import files, text

# Folder -> the folders whose headers it may include. The longest matching name of a folder counts.
MAY_INCLUDE = {
    "messages": ["messages"],
    "persistence": ["messages", "persistence"],
    "actors/core": ["messages", "actors/core"],
    "actors": ["messages", "persistence", "actors"],
    # Of the actors only what they are called by, and the one helper for sends, receives and logs.
    "net": ["messages", "net", "actors/interfaces.hpp", "actors/runtime"],
    "deploy": ["messages", "persistence", "actors", "net", "deploy"],
    "tests": ["messages", "persistence", "actors", "net", "deploy", "tests"],
}
# The one place of what would otherwise spread. A folder or a file.
ONLY_IN = {
    r"caf/": ["actors", "net", "deploy", "tests"],
    r"sqlite3\.h": ["persistence", "tests"],
    r"hnswlib/": ["persistence/hnsw_engine.cpp", "tests"],
    r"boost/log/": ["actors/runtime"],
    r"CLI/|yaml-cpp/": ["deploy", "tests"],
    r"kj/async|kj/compat|capnp/(rpc|capability|ez-rpc)": ["net", "deploy", "tests"],
    r"capnp/compat": ["messages/schema_json.cpp", "actors/core/json.cpp", "actors/core/message_json.cpp", "deploy", "tests"],
    r"gtest/|gmock/|benchmark/": ["tests"],
}
# What a core must get as an argument or leave to others.
IMPURE_INCLUDES = re.compile(r"^(caf|boost|kj/async|sqlite3|hnswlib)|^(random|thread|mutex|condition_variable|future|iostream"
                             r"|fstream|cstdio|filesystem|ctime|unistd\.h|time\.h)$|^sys/")
IMPURE_CODE = re.compile(r"::now\s*\(|\brandom_device\b|\bmt19937\b|\brand\s*\(|\bgetenv\s*\(|\bsystem_clock\b"
                         r"|\bsteady_clock\b|\bMUSTER_LOG|\blog_(debug|info|warning|error)\b|\bstd::c(out|err|log)\b|\bprintf\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
CODE = (".hpp", ".cpp", ".h", ".c")


def belongs(path, places):
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)


def includes(path):
    return [name for _, name in INCLUDE.findall(text(path))]


def ours(name):
    return name.split("/")[0] in ("messages", "persistence", "actors", "net", "deploy", "tests")


def without_comments(source):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)


class Layering(unittest.TestCase):
    def setUp(self):
        self.sources = files(*CODE)
        self.assertGreater(len(self.sources), 100)

    def test_a_folder_includes_only_what_lies_below_it(self):
        wrong = []
        for path in self.sources:
            folder = max((f for f in MAY_INCLUDE if belongs(path, [f])), key=len, default=None)
            self.assertIsNotNone(folder, f"{path} lies in no known folder: say in layering.py what it may include")
            for name in includes(path):
                if ours(name) and not belongs(name, MAY_INCLUDE[folder]):
                    wrong.append(f"{path} includes {name}; {folder} may include {', '.join(MAY_INCLUDE[folder])}")
        self.assertEqual(wrong, [])

    def test_a_library_is_included_only_where_it_belongs(self):
        wrong = []
        for path in self.sources:
            for name in includes(path):
                for pattern, places in ONLY_IN.items():
                    if re.match(pattern, name) and not belongs(path, places):
                        wrong.append(f"{path} includes {name}, which belongs to {', '.join(places)}")
        self.assertEqual(wrong, [])

    def test_no_caf_header_is_reachable_below_the_actors(self):
        reached = {}  # Header of ours -> the CAF header that it leads to, or None.

        def caf_behind(path):
            if path not in reached:
                reached[path] = None  # A circle ends here.
                for name in includes(path):
                    found = name if name.startswith("caf/") else caf_behind(name) if name in known else None
                    if found:
                        reached[path] = found
                        break
            return reached[path]

        known = set(self.sources)
        wrong = [f"{path} leads to {caf_behind(path)}" for path in self.sources
                 if belongs(path, ["messages", "persistence", "actors/core"]) and caf_behind(path)]
        self.assertEqual(wrong, [])

    def test_schemas_know_no_caf(self):
        schemas = files(".capnp")
        self.assertGreater(len(schemas), 0)
        self.assertEqual([path for path in schemas if re.search(r"\bcaf\b", text(path), re.IGNORECASE)], [])

    def test_cores_know_no_clock_no_chance_no_disk_and_no_log(self):
        wrong = []
        for path in self.sources:
            if not belongs(path, ["actors/core"]):
                continue
            wrong += [f"{path} includes {name}" for name in includes(path) if IMPURE_INCLUDES.search(name)]
            wrong += [f"{path} uses {found.group(0)}" for found in IMPURE_CODE.finditer(without_comments(text(path)))]
        self.assertEqual(wrong, [])

    def test_what_is_included_exists(self):
        known = set(self.sources)
        generated = re.compile(r"^messages/schema/.*\.capnp\.h$|^tests/support/paths\.hpp$")
        wrong = [f"{path} includes {name}, which is not there" for path in self.sources for name in includes(path)
                 if ours(name) and name not in known and not generated.match(name)]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
