"""Measure how fast facts are read and written in each format, and in how much memory, beside what others read them with.

    python benchmarks/formats/run.py [--rows 200000 1000000] [--turns 2] [--folder FOLDER] [--endings ttl graphml]

Each measurement is a process of its own, so that its peak memory is its own; the sides take turns, so that what
else the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT))

if TYPE_CHECKING:
    from kgplatform.formats.rows import Stated

ENDINGS = ("tsv", "csv", "jsonld", "parquet", "ttl", "graphml", "tsv.gz", "jsonld.gz")
THEIRS = {"tsv": ("pandas", "pyarrow"), "csv": ("pandas", "pyarrow"), "jsonld": ("json",), "parquet": ("pandas", "pyarrow")}
THEIRS |= {"ttl": ("pyoxigraph", "rdflib"), "graphml": ("networkx",)}


def stated(rows: int, evidence: bool) -> Iterator[Stated]:
    """Facts of 50,000 entities in 30 relations: one tail in five a date, one in ten with validity, one piece of evidence each."""
    from kgplatform.names import entity_id
    from kgplatform.types import Claim, Entity, Evidence, Literal, Source, SourceId

    chosen = random.Random(0)
    documents = [Source(SourceId(f"doc:{n:08x}"), "document", f"Text {n}", f"file:///texts/{n}.txt") for n in range(500)]
    ends = [Entity(entity_id("person", f"Person Number {n}"), f"Person Number {n}", ("person",)) for n in range(50_000)]
    for n in range(rows):
        head, other = ends[chosen.randrange(50_000)], ends[chosen.randrange(50_000)]
        tail = other if n % 5 else Literal(f"19{n % 90 + 10}-05-17", "date")
        words = (f"{head.name} had to do with {other.name} in that year.", n, n + 60, head.name, other.name, "run-1", 1_700_000_000_000 + n)
        told = (Evidence("text", documents[n % 500], chosen.uniform(-2, 4), "model@1", *words),) if evidence else ()
        yield Claim(head, f"relation {n % 30}", tail, told, (("valid_from", "1990"),) if n % 10 == 0 else ()), 0.875


# -- one measurement ---------------------------------------------------------------------------------


def ours_write(path: Path, rows: int) -> Callable[[], float]:
    """Writing as facts come; what it takes to make them is measured apart and taken off."""
    from kgplatform.formats import dumping, registry

    place = registry.place(path)
    evidence = place.format.evidence
    _ = place.format.translator  # imports are not measured

    def work() -> float:
        began = time.process_time()
        for _ in stated(rows, evidence):
            pass
        made = time.process_time() - began
        dumping._write(place, stated(rows, evidence))
        return made

    return work


def ours_read(path: Path, rows: int) -> Callable[[], float]:
    """Every row checked and made a claim, none kept."""
    from kgplatform.formats import loading, registry

    _ = registry.place(path).format.translator

    def work() -> float:
        assert loading.check(path).good == rows
        return 0.0

    return work


def theirs(side: str, what: str, path: Path) -> Callable[[], object]:
    """The whole table in memory, values as they stand; written from there."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv, parquet

    ending = path.suffix[1:]
    comma = "\t" if ending == "tsv" else ","
    out = path.with_name(f"theirs.{ending}")
    plain = csv.ParseOptions(delimiter=comma)
    readers: dict[tuple[str, str], Callable[[], object]] = {
        ("pandas", "text"): lambda: pd.read_csv(path, sep=comma, dtype=str, keep_default_na=False),
        ("pyarrow", "text"): lambda: csv.read_csv(path, parse_options=plain),
        ("pandas", "parquet"): lambda: pd.read_parquet(path),
        ("pyarrow", "parquet"): lambda: parquet.read_table(path),
        ("json", "jsonld"): lambda: json.loads(path.read_bytes()),
    }
    sort = ending if ending in ("parquet", "jsonld") else "text"
    read = readers[side, sort]
    if what == "read":
        return read
    table = read()
    if isinstance(table, pd.DataFrame):
        return lambda: table.to_parquet(out, compression="zstd") if sort == "parquet" else table.to_csv(out, sep=comma, index=False)
    if isinstance(table, pa.Table):
        options = csv.WriteOptions(delimiter=comma)
        return lambda: parquet.write_table(table, out, compression="zstd") if sort == "parquet" else csv.write_csv(table, out, options)
    return lambda: out.write_text(json.dumps(table, ensure_ascii=False))


def triples(side: str, what: str, path: Path) -> Callable[[], object]:
    """Triples one by one, none kept, where the library streams; else the whole graph in memory."""
    if side == "pyoxigraph":
        import pyoxigraph

        turtle = pyoxigraph.RdfFormat.TURTLE
        if what == "read":
            return lambda: sum(1 for _ in pyoxigraph.parse(path=path, format=turtle))
        found = list(pyoxigraph.parse(path=path, format=turtle))
        return lambda: pyoxigraph.serialize((quad.triple for quad in found), path.with_name("theirs.ttl"), turtle)
    import rdflib

    graph = rdflib.Graph()
    if what == "read":
        return lambda: graph.parse(path, format="turtle")
    graph.parse(path, format="turtle")
    return lambda: graph.serialize(path.with_name("theirs.ttl"), format="turtle")


def drawn(what: str, path: Path) -> Callable[[], object]:
    """The whole graph in memory."""
    import networkx

    if what == "read":
        return lambda: networkx.read_graphml(path)
    graph = networkx.read_graphml(path)
    return lambda: networkx.write_graphml_xml(graph, path.with_name("theirs.graphml"))


def one(side: str, what: str, path: Path, rows: int) -> None:
    """Print seconds of wall clock and of the processor (all threads), and the peak memory in MB."""
    work: Callable[[], object]
    if side == "ours":
        work = ours_write(path, rows) if what == "write" else ours_read(path, rows)
    elif side in THEIRS["ttl"]:
        work = triples(side, what, path)
    else:
        work = drawn(what, path) if side == "networkx" else theirs(side, what, path)
    wall, cpu = time.perf_counter(), time.process_time()
    off = work()
    took = time.process_time() - cpu, time.perf_counter() - wall
    off = 2 * off if isinstance(off, float) else 0.0
    print(json.dumps([took[1] - off, took[0] - off, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


# -- all of them -------------------------------------------------------------------------------------


def measure(side: str, what: str, path: Path, rows: int) -> list[float]:
    command = [sys.executable, __file__, "--one", side, what, str(path), str(rows)]
    return list(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def compare(rows: int, turns: int, folder: Path, endings: Sequence[str]) -> None:
    for ending in endings:
        path = folder / f"facts-{rows}.{ending}"
        sides = ("ours", *THEIRS.get(ending, ()))
        for what in ("write", "read"):
            found: dict[str, list[list[float]]] = {side: [] for side in sides}
            for _ in range(turns):
                for side in sides:
                    found[side].append(measure(side, what, path, rows))
            for side, turned in found.items():
                wall, cpu, memory = (min(values) for values in zip(*turned, strict=True))
                size = f"{path.stat().st_size / 1e6:,.0f} MB"
                print(
                    f"| {rows:,} | {ending} | {size} | {what} | {side} | {rows / wall:,.0f} | {rows / cpu:,.0f} | {memory:,.0f} |",
                    flush=True,
                )
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="where the files go for the time of the run")
    parser.add_argument("--endings", nargs="+", default=ENDINGS)
    parser.add_argument("--one", nargs=4, metavar=("SIDE", "WHAT", "FILE", "ROWS"), help="a single measurement, as JSON")
    given = parser.parse_args()
    if given.one:
        side, what, path, rows = given.one
        one(side, what, Path(path), int(rows))
        return
    print("| rows | format | file | what | who | rows/s | rows/cpu-s | peak MB |\n|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for rows in given.rows:
            compare(rows, given.turns, Path(folder), given.endings)


if __name__ == "__main__":
    main()
