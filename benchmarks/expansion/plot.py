"""Draw what runs of ``grow`` came to: ``./dev bench expansion plot grown.jsonl docs/expansion.svg``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

CURVES = {"nodes": "things", "edges": "links", "modularity": "modularity", "path_length": "hops apart on average"}


def main(source: Path, target: Path) -> None:
    runs = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    mpl.rcParams.update({"svg.hashsalt": "expansion", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = pyplot.subplots(1, len(CURVES), figsize=(12, 3.2), layout="constrained")
    colours, lines = mpl.color_sequences["tab10"], ("-", "--", ":")
    strategies, topics = (list(dict.fromkeys(run[name] for run in runs)) for name in ("strategy", "topic"))
    for axis, (name, title) in zip(axes, CURVES.items(), strict=True):
        for run in runs:
            values = [shape[name] if shape[name] is not None else float("nan") for shape in run["dynamics"]]
            style = {"color": colours[strategies.index(run["strategy"])], "linestyle": lines[topics.index(run["topic"])]}
            label = f"{run['strategy']}: {run['topic']}" if name == "nodes" else None
            axis.plot(range(1, len(values) + 1), values, label=label, **style)
        axis.set_title(title)
        axis.set_xlabel("iteration")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(target, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
