"""Measure expansions: ``./dev bench expansion overhead|replay|grow|plot …``; each tells of itself by ``--help``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

PARTS = ("overhead", "replay", "grow", "plot")

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in PARTS:
        sys.exit(f"say which: ./dev bench expansion {'|'.join(PARTS)}")
    sys.argv.pop(0)
    runpy.run_path(str(Path(__file__).with_name(f"{sys.argv[0]}.py")), run_name="__main__")
