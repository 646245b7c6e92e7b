"""Recommenders, measured: each script of this folder says in its first lines what it measures and what it is given.

./dev bench recommend ml100k|false_edges|scale|ifashion ARGUMENTS
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run")


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in SCRIPTS:
        sys.exit(f"name a script: {', '.join(SCRIPTS)}")
    sys.path.insert(0, str(HERE.parents[1]))
    name = sys.argv.pop(1)
    sys.argv[0] = f"recommend {name}"
    runpy.run_module(f"benchmarks.recommend.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
