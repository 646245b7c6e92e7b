"""Replay 100 real answers of a model through the whole loop, with no model: what is merged, how the graph grows, and its measures.

    ./dev bench expansion replay [--out FILE]

Each call is answered by the next trace of ``../shared/data/graphpreflexor``. After every tenth round the measures are computed anew,
slowly, by networkx on the graph that the store then holds.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import networkx as nx

from harvest.expand import Grown, Limits, Models, Way, harvest
from harvest.expand.answering import EDGES, NAME
from kgplatform import opening, settings
from kgplatform.analysis.dynamics import Dynamics, Recorder
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.store.memory import MemoryStore

TRACES = Path(__file__).resolve().parents[3] / "shared" / "data" / "graphpreflexor" / "graph_8b_data_eval_all.jsonl.xz"


def answers() -> Iterator[str]:
    """The local graph of each trace as the schema wants it; what it has no room for is left out."""
    with lzma.open(TRACES, "rt", encoding="utf-8") as file:
        for line in file:
            found = re.search(r"<graph_json>(.*?)</graph_json>", json.loads(line)["raw_output"], re.DOTALL)
            graph = json.loads(found[1]) if found else {"nodes": [], "edges": []}
            edges = [{name: str(edge[name])[:NAME] for name in ("source", "relation", "target")} for edge in graph["edges"]]
            edges = [edge for edge in edges if all(edge.values())][:EDGES]
            yield json.dumps({"brainstorm": "", "nodes": [], "edges": edges, "patterns": [], "synthesis": "So it is."})


def slow(kg: KnowledgeGraph) -> dict[str, float | None]:
    """The measures by networkx, from the facts of the store."""
    graph: nx.Graph = nx.Graph()
    graph.add_edges_from((fact.head.id, fact.tail.id) for fact in kg.facts(status="all") if fact.head.id != fact.tail.id)
    parts = [len(one) for one in nx.connected_components(graph)]
    lengths = [hops for _, found in nx.all_pairs_shortest_path_length(graph) for hops in found.values() if hops]
    through = nx.betweenness_centrality(graph)
    return {
        "nodes": len(graph),
        "edges": graph.number_of_edges(),
        "components": len(parts),
        "largest": max(parts),
        "mean_degree": 2 * graph.number_of_edges() / len(graph),
        "clustering": nx.average_clustering(graph),
        "transitivity": nx.transitivity(graph),
        "path_length": sum(lengths) / len(lengths),
        "diameter": max(lengths),
        "betweenness": max(through.values()),
        "cuts": len(set(nx.articulation_points(graph))),
        "bridges": len(list(nx.bridges(graph))),
        "assortativity": nx.degree_assortativity_coefficient(graph) if len(set(dict(graph.degree).values())) > 1 else None,
    }


def apart(ours: Dynamics, theirs: dict[str, float | None]) -> Iterator[tuple[str, float]]:
    for name, value in theirs.items():
        own = getattr(ours, name)
        if own is not None and value is not None and value == value:
            yield name, abs(own - value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=10, help="compute the measures anew after every so many rounds")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if not TRACES.exists():
        sys.exit(f"{TRACES} is not there: README.md says where it comes from")
    traces = list(answers())
    labels = [{edge[end] for edge in json.loads(one)["edges"] for end in ("source", "target")} for one in traces]
    left, kg, worst, rows = iter(traces), KnowledgeGraph(MemoryStore()), Counter[str](), list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "dynamics.jsonl")

        def watch(iteration: int, grown: Grown) -> None:
            found = recorder.record(iteration, grown.graph, list(grown.names))
            for name, difference in apart(found, slow(kg)) if iteration % given.every == 0 else ():
                worst[name] = max(worst[name], difference)  # type: ignore[assignment]
            rows.append({"iteration": iteration, "nodes": found.nodes, "edges": found.edges, "modularity": found.modularity})

        models = Models(ScriptedChat(lambda _: next(left)), opening.encoder(settings.load({})), Path(folder))
        begun = process_time()
        report = harvest(kg, "Replay", models, Way(fan_out=1), Limits(len(traces), patience=len(traces)), watch=watch)
    told = {
        "traces": len(traces),
        "labels": len(set().union(*labels)),
        "things": rows[-1]["nodes"],
        "links": rows[-1]["edges"],
        "merges": [list(one[1:]) for one in report.merges],
        "asked": len(report.asked),
        "answered": sum(one.answered for one in report.rounds),
        "furthest from networkx": dict(sorted(worst.items())),
        "seconds": process_time() - begun,
        "growth": rows,
    }
    print(json.dumps({name: value for name, value in told.items() if name not in ("growth", "merges")}, indent=1))
    for keep, other in told["merges"]:
        print(f"  {keep}  =  {other}")
    if given.out:
        given.out.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
