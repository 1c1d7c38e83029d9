# What the checks of the repository share: which files there are.
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files(*suffixes, below=""):
    """All files of the repository with one of the suffixes, as paths relative to its root, without what is built."""
    found = []
    for folder, names, leaves in os.walk(ROOT / below):
        names[:] = [n for n in names if not n.startswith("build") and n not in (".git", "__pycache__", "golden")]
        for leaf in leaves:
            if leaf.endswith(suffixes):
                found.append(pathlib.Path(folder, leaf).relative_to(ROOT).as_posix())
    return sorted(found)


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")
