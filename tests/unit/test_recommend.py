"""Interactions come in as files bring them, are split without loss, and recommenders are ranked over all items."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import BadFile, BadRequest
from reasoning.recommend.interactions import Interactions, seconds
from reasoning.recommend.reading import read
from reasoning.recommend.splitting import held_out, parted
from tests import servers

pytest.importorskip("torch")

import torch

from reasoning.recommend.models.factors import LightGCN, Links
from reasoning.recommend.models.floors import ItemKNN, Popularity
from reasoning.recommend.ranking import figures
from reasoning.recommend.training import Settings, train
from reasoning.recommend.underway import untaken

DATA = Path(__file__).parents[3] / "shared" / "data"


def tastes(users: int = 60, items: int = 40, seed: int = 0) -> Interactions:
    """Users of four tastes take two thirds of the items of theirs, and some others."""
    draw = np.random.default_rng(seed)
    likes = np.where(np.arange(users)[:, None] % 4 == np.arange(items)[None, :] % 4, 0.66, 0.03)
    user, item = np.nonzero(draw.random((users, items)) < likes)
    return Interactions.of([f"u{n:03}" for n in user], [f"i{n:03}" for n in item], 1e9 + draw.random(len(user)))


# -- files -------------------------------------------------------------------------------------------


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


ROWS = [
    ("ann", "tea", 5, 100),
    ("ann", "jam", 3, 300),
    ("bob", "tea", 4, 200),
    ("bob", "oil", 1, 400),
    ("ann", "tea", 2, 500),
    ("cid", "oil", 5, 90),
]
TABLE = "".join(f"{user},{item},{rating},{time}\n" for user, item, rating, time in ROWS)


@pytest.mark.parametrize("name", ["taken.csv", "taken.csv.gz", "taken.tsv", "taken.parquet"])
def test_a_table_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith(".parquet"):
        import pyarrow as pa
        from pyarrow import parquet

        columns = dict(zip(("user_id", "item_id", "rating", "timestamp"), map(list, zip(*ROWS, strict=True)), strict=True))
        parquet.write_table(pa.table(columns), path)
    else:
        text = "user_id,item_id,rating,timestamp\n" + TABLE
        write(path, text.replace(",", "\t") if ".tsv" in name else text)
    parts = read(path, test=0.3, valid=0.3).parts
    assert list(parts.train.users) == ["ann", "bob", "cid"]
    assert list(parts.train.items) == ["jam", "oil", "tea"]
    every = [parts.train, parts.valid, parts.test]
    pairs = np.concatenate([part.pairs for part in every]).tolist()
    assert sorted(pairs) == [[0, 0], [0, 2], [1, 1], [1, 2], [2, 1]]  # ann took tea twice
    times, ratings = (np.concatenate([getattr(part, name) for part in every]) for name in ("times", "ratings"))
    assert (times[pairs.index([0, 2])], ratings[pairs.index([0, 2])]) == (500, 2)  # the latest counts


def test_a_low_rating_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "taken.csv", "user,item,rating\n" + "".join(f"u{n % 9},i{n},{n % 5 + 1}\n" for n in range(90)))
    parts = read(path, rating=4).parts
    assert sum(map(len, (parts.train, parts.valid, parts.test))) == 36
    with pytest.raises(BadRequest, match=r"no rating is 9 or more: they go from 1 to 5"):
        read(path, rating=9)


def test_the_layout_of_diffkg_is_read_and_left_split(tmp_path: Path) -> None:
    write(tmp_path / "train.txt", "0 1 2 3\n1 0 1\n2 3\n")
    write(tmp_path / "test.txt.gz", "0 0\n1 2\n")
    write(tmp_path / "kg.txt", "0 0 4\n1 0 4\n2 1 5\n5 1 0\n")
    data = read(tmp_path)
    assert data.parts.test.pairs.tolist() == [[0, 0], [1, 2]]
    assert sorted([*data.parts.train.pairs.tolist(), *data.parts.valid.pairs.tolist()]) == [[0, 1], [0, 2], [0, 3], [1, 0], [1, 1], [2, 3]]
    assert [user for user, _ in data.parts.valid.pairs.tolist()] == [0, 1]  # the third has but one
    assert data.facts
    assert (data.facts.entities, len(data.facts.relations), data.facts.of_item.tolist()) == (6, 2, [0, 1, 2, 3])
    with pytest.raises(BadRequest, match="is split already"):
        read(tmp_path, way="time")


def test_recboles_files_are_read_with_the_graph(tmp_path: Path) -> None:
    write(tmp_path / "toy.inter", "user_id:token\titem_id:token\trating:float\n" + "".join(f"u{n % 5}\ti{n % 7}\t3\n" for n in range(35)))
    write(tmp_path / "toy.kg", "head_id:token\trelation_id:token\ttail_id:token\nm.1\tmade by\tm.2\nm.3\tmade by\tm.2\n")
    write(tmp_path / "toy.link", "item_id:token\tentity_id:token\ni0\tm.1\ni1\tm.3\ni99\tm.9\n")
    data = read(tmp_path)
    assert data.facts
    items = {name: data.facts.of_item[number] for number, name in enumerate(data.parts.train.items)}
    assert [name for name, entity in items.items() if entity >= 0] == ["i0", "i1"]
    assert {(items["i0"], 0), (items["i1"], 0)} == {(head, relation) for head, relation, _ in data.facts.triples.tolist()}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "who,what\n1,2\n", "has no columns user and item, only who, what"),
        ("a.csv", "user,item\n", "holds no interaction"),
        ("a.csv", "user,item\nann,tea\n,tea\n", "line 3: has no user"),
        ("a.csv", "user,item,rating\nann,tea,good\n", "line 2: the rating 'good' is no number"),
        ("a.csv", "user,item,rating\nann,tea,4\nann,jam,inf\n", "line 3: the rating 'inf' is no number"),
        ("a.csv", "user,item,time\nann,tea,1500000000\nbob,tea,1500000000000\n", "are of several units"),
        ("a.csv", "user,item\nann,tea,more\n", "cannot be read as a table"),
        ("a.csv", "user,item\nann,tea\n", "of 1 interactions none are left to"),
        ("a.csv.gz", "", "cannot be read as a table"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_sentence(name: str, text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises((BadFile, BadRequest), match=words):
        read(write(tmp_path / name, text))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, r"has no files \*.inter, and no train.txt"),
        ({"train.txt": "0 1\n"}, "has train.txt and no test.txt"),
        ({"train.txt": "0 1\n1 x\n", "test.txt": "0 2\n"}, "train.txt, line 2: expected the number of a user and of items"),
        ({"train.txt": "0 1\n", "test.txt": ""}, "holds no interaction to test by"),
        ({"train.txt": "0 1 2\n", "test.txt": "0 3\n", "kg.txt": "0 0 1\n0 1\n"}, "kg.txt, line 2: expected the numbers of head"),
        ({"train.txt": "0 -1\n", "test.txt": "0 3\n"}, "negative"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_sentence(files: dict[str, str], words: str, tmp_path: Path) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    with pytest.raises(BadFile, match=words):
        read(tmp_path)


def test_times_of_any_unit_are_seconds() -> None:
    times = np.array([1.4e9, 1.5e9])
    for unit in (1.0, 1e3, 1e6, 1e9):
        np.testing.assert_allclose(seconds(times * unit), times)
    with pytest.raises(BadRequest, match="missing or no number"):
        seconds(np.array([1.4e9, np.nan]))


# -- splits ------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30)), min_size=40, max_size=120, unique=True),
    st.sampled_from(["random", "time", "last", "cold"]),
    st.integers(0, 3),
)
def test_every_interaction_is_in_one_part(pairs: list[tuple[int, int]], way: str, seed: int) -> None:
    whole = Interactions.of([f"u{user}" for user, _ in pairs], [f"i{item}" for _, item in pairs], np.arange(1.0, len(pairs) + 1) * 1e6)
    try:
        parts = parted(whole, way, seed=seed)  # type: ignore[arg-type]
    except BadRequest as error:
        assert "none are left" in str(error)
        return
    found = np.concatenate([part.pairs for part in (parts.train, parts.valid, parts.test)])
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, whole.pairs.tolist()))
    assert parts.train.times is not None
    assert parts.valid.times is not None
    assert parts.test.times is not None
    if way == "time":
        assert parts.train.times.max() < parts.valid.times.min()
        assert parts.valid.times.max() < parts.test.times.min()
        return
    if way == "cold":
        assert not set(parts.test.pairs[:, 1]) & set(np.concatenate([parts.train.pairs, parts.valid.pairs])[:, 1])
        assert set(parts.valid.pairs[:, 0]) <= set(parts.train.pairs[:, 0])
        return
    assert set(parts.train.pairs[:, 0]) == set(whole.pairs[:, 0])  # nobody is forgotten
    if way == "last":
        latest = {user: whole.times[whole.pairs[:, 0] == user].max() for user in set(whole.pairs[:, 0].tolist())}  # type: ignore[index]
        assert all(latest[user] == time for (user, _), time in zip(parts.test.pairs.tolist(), parts.test.times.tolist(), strict=True))
        assert len(parts.test) == len(set(parts.test.pairs[:, 0].tolist()))


def test_one_of_each_user_is_held_out() -> None:
    whole = tastes()
    rest, held = held_out(whole)
    assert len(rest) + len(held) == len(whole)
    assert np.bincount(held.pairs[:, 0], minlength=60).max() == 1
    assert np.bincount(rest.pairs[:, 0], minlength=60).min() >= 1


# -- ranking -----------------------------------------------------------------------------------------


class Said:
    """Scores that are told."""

    device = "cpu"

    def __init__(self, scores: list[list[float]]) -> None:
        self.scores = torch.tensor(scores)

    def score(self, users: torch.Tensor) -> torch.Tensor:
        return self.scores[users].clone()


def test_figures_by_hand() -> None:
    known = Interactions.of(["a", "b"], ["1", "2"], known=["1", "2", "3", "4"])
    asked = Interactions.of(["a", "a", "b"], ["3", "4", "1"], known=["1", "2", "3", "4"])
    model = Said([[9.0, 5.0, 4.0, 1.0], [1.0, 9.0, 5.0, 0.0]])
    found = figures(model, asked, known, k=2)
    # a: 2, 3 stand first, so one of two is found, in the second place; b: 3, 1.
    np.testing.assert_allclose(found.recall, [0.5, 1.0])
    second = 1 / np.log2(3)
    np.testing.assert_allclose(found.ndcg, [second / (1 + second), second])
    assert found.shape() == {"recall@2": 0.75, "ndcg@2": pytest.approx((second / (1 + second) + second) / 2), "users": 2}


def test_figures_do_not_depend_on_how_many_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parted(tastes())
    model = Popularity.of(parts.train)
    whole = figures(model, parts.test, parts.train)
    monkeypatch.setattr("reasoning.recommend.ranking.CELLS", 100)
    np.testing.assert_array_equal(figures(model, parts.test, parts.train).ndcg, whole.ndcg)


# -- models ------------------------------------------------------------------------------------------


def test_item_neighbours_are_those_of_a_plain_cosine() -> None:
    known = tastes(12, 8)
    taken = np.zeros((len(known.users), len(known.items)))
    taken[known.pairs[:, 0], known.pairs[:, 1]] = 1
    sizes = np.sqrt(taken.sum(axis=0))
    alike = (taken.T @ taken) / (sizes[:, None] * sizes[None, :] + 10.0)
    np.fill_diagonal(alike, 0)
    found = ItemKNN.of(known).score(torch.arange(len(known.users)))
    np.testing.assert_allclose(found.numpy(), taken @ alike, atol=1e-5)


def test_lightgcn_is_that_of_torch_geometric() -> None:
    geometric = pytest.importorskip("torch_geometric.nn")
    known = tastes()
    ours = LightGCN(known, 8, torch.Generator().manual_seed(0), layers=2)
    theirs = geometric.LightGCN(len(known.users) + len(known.items), 8, num_layers=2)
    theirs.embedding.weight.data = torch.cat([ours.user.data, ours.item.data])
    user, item = torch.from_numpy(known.pairs.T.copy())
    edges = torch.stack([torch.cat([user, item + len(known.users)]), torch.cat([item + len(known.users), user])])
    torch.testing.assert_close(torch.cat(ours.vectors()), theirs.get_embedding(edges), atol=1e-5, rtol=1e-4)


def test_the_slope_of_spreading_is_that_of_a_plain_product() -> None:
    links = Links.of(tastes(12, 8)).double()
    dense, vectors = links.matrix.to_dense(), torch.randn(len(links.matrix), 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(len(links.matrix), 3, dtype=torch.float64)
    (plain,) = torch.autograd.grad(((dense @ vectors) * weight).sum(), vectors)
    (ours,) = torch.autograd.grad((links(vectors) * weight).sum(), vectors)
    torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize("model", ["bpr", "lightgcn"])
def test_tastes_are_learned_better_than_what_is_popular(model: str) -> None:
    parts = parted(tastes())
    floor = figures(Popularity.of(parts.train), parts.test, parts.train, parts.valid, k=10).recall.mean()
    found = train(parts, Settings(model=model, dim=16, epochs=60, batch=128, rate=0.02))
    assert figures(found.model, parts.test, parts.train, parts.valid, k=10).recall.mean() > 0.7 > floor
    assert max(found.history) == found.history[found.epochs // 2 - 1]


def test_the_same_seed_gives_the_same_recommender() -> None:
    parts = parted(tastes())
    settings = Settings(dim=8, epochs=4, batch=64)
    first, again = (train(parts, settings).model.score(torch.arange(60)) for _ in range(2))
    assert torch.equal(first, again)


def test_what_a_user_took_is_never_held_against_it() -> None:
    known = tastes()
    users = np.repeat(np.arange(60), 50)
    others = untaken(known, users, np.random.default_rng(0))
    taken = set(map(tuple, known.pairs.tolist()))
    assert not any((user, item) in taken for user, item in zip(users.tolist(), others.tolist(), strict=True))


def test_the_public_data_are_read_whole() -> None:
    for name in ("ml100k_kg", "alibaba_ifashion_part"):
        if not (DATA / name).is_dir():
            servers.missing(f"the interactions {name} in {DATA}")
    ml, fashion = read(DATA / "ml100k_kg"), read(DATA / "alibaba_ifashion_part")
    assert sum(map(len, (ml.parts.train, ml.parts.valid, ml.parts.test))) == 100_000
    assert (len(ml.parts.train.users), len(ml.parts.train.items)) == (943, 1_682)
    assert ml.facts
    assert (len(ml.facts.triples), len(fashion.parts.test)) == (91_631, 114_737)
    assert len(fashion.parts.train) + len(fashion.parts.valid) == 285_846
    assert fashion.facts
    assert len(fashion.facts.triples) == 279_155
