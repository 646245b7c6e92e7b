"""Let a real chat model grow a graph, by several strategies on several topics, and write what came of each run as a JSON line.

    ./dev bench expansion grow --chat local:qwen2.5-coder-1.5b [--iterations 12] [--topics 0 1] [--grounded] [--out FILE]

One question at a time, into an empty graph in memory; with --grounded into one that keeps the demo's texts, which answers must quote.
Answers are kept in ``KG_HOME``, so a run that broke off is soon where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harvest.expand import Grown, Limits, Models, Way, harvest
from kgplatform import opening, settings
from kgplatform.analysis.dynamics import Dynamics, Recorder
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.ports import ChatModel, Encoder
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Source, SourceId
from ui.demo.world import FOLDER

TOPICS = (
    "What makes spider silk strong?",
    "How does the immune system remember a pathogen?",
    "How were the elements of the rare earths discovered?",
)
STRATEGIES = ("frontier", "leap", "mixed")


def run(chat: ChatModel, encoder: Encoder, topic: str, way: Way, iterations: int) -> dict[str, Any]:
    """One run, and its figures."""
    kg, shapes = KnowledgeGraph(MemoryStore()), list[Dynamics]()
    if way.grounded:
        for path in sorted((FOLDER / "texts").iterdir()):
            kg.add_document(Source(SourceId(f"doc:{path.stem}"), "document", path.stem), path.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "dynamics.jsonl")

        def watch(iteration: int, grown: Grown) -> None:
            shapes.append(recorder.record(iteration, grown.graph, list(grown.names)))
            print(f"  {iteration:>2}  {shapes[-1].nodes} things, {shapes[-1].edges} links", file=sys.stderr, flush=True)

        begun = monotonic()
        limits = Limits(iterations, patience=iterations)
        report = harvest(kg, topic, Models(chat, encoder, Path(folder)), way, limits, watch=watch)
    last = shapes[-1]
    return {
        "chat": chat.name,
        "topic": topic,
        "strategy": way.strategy,
        "grounded": way.grounded,
        "supported": len(list(kg.facts())),
        "calls": report.calls,
        "valid": sum(one.answered for one in report.rounds) / report.calls,
        "nodes/call": last.nodes / report.calls,
        "edges/call": last.edges / report.calls,
        "relations": len({fact.relation for fact in kg.facts(status="all")}),
        "largest": last.largest / last.nodes if last.nodes else None,
        "merges": [list(one[1:]) for one in report.merges],
        "asked": [list(one) for one in report.asked],
        "tokens": report.tokens,
        "seconds": monotonic() - begun,
        "ended": report.ended,
        "questions": [question for one in report.rounds for question in one.questions],
        "rounds": [asdict(one) for one in report.rounds],
        "dynamics": [asdict(one) for one in shapes],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chat", default="local:qwen2.5-coder-1.5b")
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--topics", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    parser.add_argument("--grounded", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("grown.jsonl"))
    given = parser.parse_args()
    here = settings.load({})
    chat, encoder = opening.chat(here, given.chat, "bench"), opening.encoder(here)
    for topic in (TOPICS[one] for one in given.topics):
        for strategy in given.strategies:
            print(f"{topic}  {strategy}", file=sys.stderr, flush=True)
            told = run(chat, encoder, topic, Way(strategy, fan_out=1, grounded=given.grounded), given.iterations)
            with given.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(told, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
