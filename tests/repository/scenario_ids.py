# Checks that tests/scenario_ids.txt holds what the reference's own program prints; skipped (exit code 77) without the reference.
import os
import subprocess
import sys

from sources import ROOT, text

program = ROOT.parent / "shared/reference/scenario-ids"
if not program.exists():
    print(f"skipped: the reference is not at {program}")
    sys.exit(77)
printed = subprocess.run([str(program)], capture_output=True, text=True, timeout=60, check=True,
                         env=dict(os.environ, LC_ALL="C")).stdout.split()
here = text("tests/scenario_ids.txt").split()
print(f"{len(here)} ids here, {len(printed)} in the reference")
for name in sorted(set(printed) ^ set(here)):
    print(f"{name} is only {'here' if name in here else 'in the reference'}")
sys.exit(0 if here == printed else 1)
