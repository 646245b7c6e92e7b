"""Splits: what may be held out, and folders of benchmarks in their several forms."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import BadFile, BadRequest
from kgplatform.names import fact_key, parse_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView
from reasoning import split as splitting
from reasoning.split import Split, read_split, removable
from tests import servers

DATA = Path(__file__).parents[3] / "shared" / "data"
FACTS = [("b", "likes", "a"), ("a", "likes", "c"), ("a", "is a", "thing"), ("c", "is a", "thing"), ("b", "likes", "a")]
HELD = {"valid": [("c", "likes", "b")], "test": [("b", "is a", "thing"), ("new one", "likes", "a"), ("b", "is a", "thing")]}


def view_of(triples: list[tuple[str, str, str]]) -> GraphView:
    def entity(name: str) -> Entity:
        return Entity(EntityId(name), name)

    return GraphView.of(Fact(fact_key(r, h, t), entity(h), r, entity(t), 1.0, 1.0) for h, r, t in triples)


# -- what may be held out ----------------------------------------------------------------------------


def one_by_one(view: GraphView, wanted: int, seed: int) -> list[int]:
    """The law, as plainly as it can be said."""
    held: list[int] = []
    rest = view.triples.tolist()
    uses = np.bincount(view.triples[:, [0, 2]].ravel(), minlength=len(view.entities)).tolist()
    shown = np.bincount(view.triples[:, 1], minlength=len(view.relations)).tolist()
    for row in np.random.default_rng(seed).permutation(len(view)).tolist():
        head, relation, tail = rest[row]
        least = 2 if head == tail else 1
        if len(held) < wanted and uses[head] > least and uses[tail] > least and shown[relation] > 1:
            uses[head] -= 1
            uses[tail] -= 1
            shown[relation] -= 1
            held.append(row)
    return held


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 6)), max_size=60),
    st.integers(0, 70),
    st.integers(0, 5),
    st.sampled_from([1, 7, 4096]),
)
def test_what_is_held_out_is_what_going_through_one_by_one_gives(
    rows: list[tuple[int, int, int]], wanted: int, seed: int, at_once: int
) -> None:
    view = view_of([(f"e{h}", f"r{r}", f"e{t}") for h, r, t in rows])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(splitting, "AT_ONCE", at_once)
        held = removable(view, wanted, seed)
    assert held.tolist() == one_by_one(view, wanted, seed)
    rest = view.only(np.setdiff1d(np.arange(len(view)), held))
    assert set(rest.triples[:, [0, 2]].ravel()) == set(view.triples[:, [0, 2]].ravel())
    assert set(rest.triples[:, 1]) == set(view.triples[:, 1])


# -- folders -----------------------------------------------------------------------------------------


def in_names(folder: Path, order: tuple[int, int, int] = (0, 1, 2), packed: bool = False, newline: str = "\n") -> Path:
    for name, facts in {"train": FACTS, **HELD}.items():
        text = newline.join("\t".join(fact[place] for place in order) for fact in facts) + newline
        path = folder / f"{name}.txt{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return folder


def in_ids(folder: Path, order: tuple[int, int, int] = (0, 2, 1), counted: bool = True) -> Path:
    entities, relations = ["thing", "new one", "b", "a", "c"], ["likes", "is a"]
    for name, listed in (("entity", entities), ("relation", relations)):
        rows = [f"{one}\t{number}" for number, one in enumerate(listed)]
        (folder / f"{name}2id.txt").write_text("\n".join([str(len(rows))] * counted + rows) + "\n")
    for name, facts in {"train": FACTS, **HELD}.items():
        ids = [(entities.index(h), relations.index(r), entities.index(t)) for h, r, t in facts]
        lines = [" ".join(str(fact[place]) for place in order) for fact in ids]
        (folder / f"{name}2id.txt").write_text("\n".join([str(len(lines))] * counted + lines))
    return folder


def same(one: Split, other: Split) -> None:
    assert one.train.revision == other.train.revision
    assert (one.train.entities, one.train.keys) == (other.train.entities, other.train.keys)
    assert (one.valid.tolist(), one.test.tolist()) == (other.valid.tolist(), other.test.tolist())


def test_names_and_ids_in_any_order_give_the_same_split(tmp_path: Path) -> None:
    ways: list[Callable[[Path], Split]] = [
        lambda at: read_split(in_names(at)),
        lambda at: read_split(in_names(at, packed=True)),
        lambda at: read_split(in_names(at, newline="\r\n")),
        lambda at: read_split(in_names(at, (1, 0, 2)), ("relation", "head", "tail")),
        lambda at: read_split(in_ids(at)),
        lambda at: read_split(in_ids(at, counted=False)),
        lambda at: read_split(in_ids(at, (0, 1, 2)), ("head", "relation", "tail")),
    ]
    found = []
    for number, way in enumerate(ways):
        (tmp_path / str(number)).mkdir()
        found.append(way(tmp_path / str(number)))
        same(found[-1], found[0])
    first = found[0]
    view = first.train
    assert list(view.entity_ids) == ["a", "b", "c", "new one", "thing"]
    assert view.relations == ("is a", "likes")
    assert [parse_key(key).head for key in view.keys] == ["a", "a", "b", "c"]
    said = [(view.entity_ids[h], view.relations[r], view.entity_ids[t]) for h, r, t in first.test.tolist()]
    assert said == HELD["test"][:2]
    whole = view_of([*FACTS, *HELD["valid"], *HELD["test"]])
    assert (whole.entities, whole.relations) == (view.entities, view.relations)


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        (
            "valid.txt",
            "a\tlikes\tb\n\nc\tlikes\n",
            r"valid\.txt, line 3: expected head, relation and tail separated by tabs, not 'c\\tlikes'",
        ),
        ("test.txt", "a\tlikes\tb\nc\t \tb\n", r"test\.txt, line 2: expected head"),
        ("test.txt", "a likes b\n", r"test\.txt, line 1: expected head"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, file: str, text: str, sentence: str) -> None:
    in_names(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(BadFile, match=sentence):
        read_split(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("train2id.txt", "2\n0 1 1\n0 1\n", r"train2id\.txt, line 3: expected the ids of head, tail and relation, not '0 1'"),
        ("train2id.txt", "0 1 1\n0 1 -1\n", r"train2id\.txt, line 2: expected the ids"),
        ("train2id.txt", "3\n0 1 1\n0 1 0\n", r"train2id\.txt, line 1: counts '3' facts, and 2 follow"),
        ("valid2id.txt", "0 1 1\n\n0 2 4\n", r"valid2id\.txt, line 3: '0 2 4' cannot be head, tail and relation: no relation has the id"),
        ("valid2id.txt", "0 5 1\n", r"line 1: '0 5 1' cannot be .* no entity has the id of its tail"),
        ("valid2id.txt", f"0 {10**30} 1\n", r"line 1: .* cannot be"),
        ("entity2id.txt", "a\t0\nb\n", r"entity2id\.txt, line 2: expected a name and its id, not 'b'"),
        ("entity2id.txt", "a\t0\nb\t2\n", r"entity2id\.txt: its ids are not 0 to 1"),
        ("relation2id.txt", "a\t0\nb\t0\n", r"relation2id\.txt, line 2: the id 0 is 'a' already"),
        ("relation2id.txt", "a\t0\na\t1\n", r"relation2id\.txt: 'a' has two ids"),
    ],
)
def test_a_bad_id_is_named(tmp_path: Path, file: str, text: str, sentence: str) -> None:
    in_ids(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(BadFile, match=sentence):
        read_split(tmp_path)


def test_files_in_another_order_are_refused(tmp_path: Path) -> None:
    rows = [(f"likes {n % 3}", f"p{n}", f"p{n + 1}") for n in range(20)] + [("likes 0", "p20", "p0")]
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_text("\n".join("\t".join(row) for row in rows))
    with pytest.raises(BadFile, match=r"train\.txt: its columns cannot be head, relation and tail.*columns"):
        read_split(tmp_path)
    assert read_split(tmp_path, ("relation", "head", "tail")).train.relations == ("likes 0", "likes 1", "likes 2")
    with pytest.raises(BadRequest, match="no columns of facts"):
        read_split(tmp_path, ("relation", "head"))


def test_what_is_missing_or_broken_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"neither train\.txt nor train2id\.txt"):
        read_split(tmp_path)
    with pytest.raises(BadFile, match="no such folder"):
        read_split(tmp_path / "nowhere")
    in_names(tmp_path, packed=True)
    (tmp_path / "test.txt.gz").write_bytes((tmp_path / "test.txt.gz").read_bytes()[:-9])
    with pytest.raises(BadFile, match="no whole gzip file"):
        read_split(tmp_path)
    (tmp_path / "test.txt.gz").unlink()
    with pytest.raises(BadFile, match=r"test\.txt: cannot be read"):
        read_split(tmp_path)
    (tmp_path / "test.txt").write_bytes(b"a\tlikes\t\xff\n")
    with pytest.raises(BadFile, match="not UTF-8"):
        read_split(tmp_path)


@pytest.mark.parametrize(
    ("name", "columns", "sizes"),
    [
        ("fb15k237", None, (272_115, 17_535, 20_466, 14_541, 237)),
        ("wn18rr", None, (86_835, 3_034, 3_134, 41_105, 11)),
        ("umls", None, (5_216, 652, 661, 135, 46)),
        ("kinship", ("relation", "head", "tail"), (8_548, 1_069, 1_069, 104, 25)),
        ("codex_s", None, (32_888, 1_827, 1_828, 2_034, 42)),
    ],
)
def test_published_benchmarks_have_their_published_sizes(name: str, columns: tuple[str, ...] | None, sizes: tuple[int, ...]) -> None:
    if not (DATA / name).is_dir():
        servers.missing(f"the benchmark {name} in {DATA}")
    found = read_split(DATA / name, columns)
    assert (len(found.train), len(found.valid), len(found.test), len(found.train.entities), len(found.train.relations)) == sizes


def test_kinship_as_it_lies_is_not_taken_for_head_relation_tail() -> None:
    if not (DATA / "kinship").is_dir():
        servers.missing(f"the benchmark kinship in {DATA}")
    with pytest.raises(BadFile, match="columns"):
        read_split(DATA / "kinship")
