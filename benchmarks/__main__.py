"""Runs every benchmark there is, one after another, and prints what each measured.

    python -m benchmarks [--quick]

A benchmark is a module of this package whose name has no leading underscore (`studies` take hours and are run by
name); run with `--json` it prints one JSON object, as its last line. With `--quick` each measures so little that its
numbers mean nothing: it shows only that they all run.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
QUICK = {
    "conversion": ["--frames", "12"],
    "detection": ["--pictures", "2", "--repeats", "1"],
    "extraction": ["--repeats", "1", "--frames", "24"],
    "loader": ["--repeats", "1"],
    "training_step": ["--batch", "1", "--repeats", "1"],
}
"""By benchmark, how it is told to measure little."""


def main() -> int:
    """Run each benchmark in a process of its own; return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only show that each runs")
    quick = parser.parse_args().quick
    modules = pkgutil.iter_modules([str(FOLDER)])
    names = sorted(module.name for module in modules if not module.ispkg and not module.name.startswith("_"))
    failed = 0
    for name in names:
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *(QUICK[name] if quick else [])]
        finished = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True)
        failed += finished.returncode != 0
        print(_table(name, finished), flush=True)
    return failed


def _table(name: str, finished: subprocess.CompletedProcess) -> str:
    """Lay out one benchmark's numbers, or the end of what it said when it failed."""
    if finished.returncode:
        return f"{name}\n  failed:\n{finished.stderr.strip()[-2000:]}"
    result = json.loads(finished.stdout.strip().splitlines()[-1])
    width = max(map(len, result))
    return "\n".join([name, *(f"  {key:<{width}}  {_shown(value)}" for key, value in result.items()), ""])


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
