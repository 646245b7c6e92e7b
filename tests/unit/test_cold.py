"""Items that nobody has taken yet are recommended by what is known of them, and neither hidden nor put first."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Interactions
from reasoning.recommend.reading import Facts, read
from reasoning.recommend.splitting import Parts, parted
from tests import servers
from tests.commands import Kg, commands

pytest.importorskip("torch")

from reasoning.recommend import cold
from reasoning.recommend.cold import About, Filled, filled
from reasoning.recommend.models.factors import Factors
from reasoning.recommend.ranking import Recommender, figures
from reasoning.recommend.training import Settings, train

DATA = Path(__file__).parents[3] / "shared" / "data"
GENRES = 4


@pytest.fixture(autouse=True)
def _unwarned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KG_TEST_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str]) -> Kg:
    return commands(capsys)


@cache
def world(users: int = 80, items: int = 100, seed: int = 0) -> tuple[Parts, np.ndarray]:
    """Users take items of their genre, the more the better liked these are; a text is its genre, how well liked it is, and noise."""
    draw = np.random.default_rng(seed)
    genre, liked = np.arange(items) % GENRES, draw.random(items)
    chance = np.where(np.arange(users)[:, None] % GENRES == genre, 0.9, 0.1) * liked
    user, item = np.nonzero(draw.random((users, items)) < chance)
    names = [f"i{n:03}" for n in range(items)]
    whole = Interactions.of([f"u{n:03}" for n in user], [names[n] for n in item], known=names)
    texts = np.hstack([np.eye(GENRES)[genre], liked[:, None], 0.1 * draw.standard_normal((items, 8))]).astype(np.float32)
    return parted(whole, "cold", seed=seed), texts


@cache
def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Users and items of that world, learned."""
    parts, _ = world()
    model = train(parts, Settings(dim=8, epochs=40, batch=128, rate=0.02)).model
    assert isinstance(model, Factors)
    return model.fixed().users.numpy(), model.fixed().items.numpy()


def recall(model: Recommender, parts: Parts, among: np.ndarray | None = None) -> float:
    return float(figures(model, parts.test, parts.train, parts.valid, k=5, among=among).recall.mean())


def test_whole_items_are_held_out() -> None:
    parts, _ = world()
    tested = set(parts.test.pairs[:, 1].tolist())
    others = set(np.concatenate([parts.train.pairs, parts.valid.pairs])[:, 1].tolist())
    assert not tested & others
    assert len(tested) == round(0.2 * len(tested | others))
    assert set(parts.train.pairs[:, 0].tolist()) == set(range(80))


def test_new_items_are_found_better_than_by_text_or_by_what_is_popular() -> None:
    parts, texts = world()
    users, items = vectors()
    made = filled(users, items, parts.train, About(texts), first=5)
    ours = recall(cold.fixed(users, made.items), parts, made.cold)
    others = (cold.by_text(parts.train, texts), cold.by_guess(parts.train, texts), cold.by_count(parts.train))
    assert ours > max(recall(other, parts, made.cold) for other in others)
    np.testing.assert_array_equal(made.items[~made.cold], items[~made.cold].astype(np.float64))  # what was learned stays


def test_among_all_items_new_ones_are_neither_hidden_nor_put_first() -> None:
    parts, texts = world()
    users, items = vectors()
    made = filled(users, items, parts.train, About(texts), first=5)
    assert made.stretch > 1
    hidden, mean = made.items.copy(), made.items[~made.cold].mean(axis=0)
    hidden[made.cold] = mean + (made.items[made.cold] - mean) / made.stretch
    assert recall(cold.fixed(users, made.items), parts) > recall(cold.fixed(users, hidden), parts)
    seen = np.zeros((len(users), len(items)), dtype=bool)
    seen[parts.train.pairs[:, 0], parts.train.pairs[:, 1]] = True
    best = np.argsort(np.where(seen, -np.inf, users @ made.items.T), axis=1)[:, -5:]
    assert 0.1 < made.cold[best].mean() < 0.7  # of a hundred items 20 are new, and nobody has taken those already


def test_the_stretch_gives_held_out_items_the_places_that_they_have_by_their_own_vectors() -> None:
    draw = np.random.default_rng(1)
    users, items = draw.standard_normal((30, 4)), draw.standard_normal((40, 4))
    taken = Interactions.of([f"{n:02}" for n in range(40)], [f"{n:02}" for n in range(40)])
    taken = Interactions(
        taken.users, taken.items, np.array([[n % 30, n] for n in range(40)])[np.argsort(np.arange(40) % 30, kind="stable")]
    )
    told = items.mean(axis=0) + 0.4 * (items - items.mean(axis=0)) + 0.05 * draw.standard_normal(items.shape)
    fold = np.arange(40) % cold.FOLDS
    factor = cold._stretch(users, items, cold._Held(np.arange(40), fold, told), taken, np.arange(30), 5)
    seen = np.zeros((30, 40), dtype=bool)
    seen[taken.pairs[:, 0], taken.pairs[:, 1]] = True

    def places(by: float | None) -> int:
        found = 0
        for part in range(cold.FOLDS):
            tried, out = items.copy(), fold == part
            if by is not None:
                tried[out] = items.mean(axis=0) + by * (told[out] - items.mean(axis=0))
            found += int(out[np.argsort(np.where(seen, -np.inf, users @ tried.T), axis=1)[:, -5:]].sum())
        return found

    assert abs(places(factor * 1.0001) - places(None)) <= 2
    assert places(1.0) < places(None)


def test_neighbours_in_the_graph_tell_where_texts_say_nothing() -> None:
    parts, texts = world()
    users, items = vectors()
    genre = np.arange(100) % GENRES
    triples = np.stack([np.arange(100), np.zeros(100, np.int64), 100 + genre], axis=1)
    facts = Facts(triples, 100 + GENRES, ("is of",), np.arange(100))
    silent = np.random.default_rng(0).standard_normal(texts.shape).astype(np.float32)

    def found(about: About) -> tuple[Filled, float]:
        made = filled(users, items, parts.train, about, first=5)
        return made, recall(cold.fixed(users, made.items), parts, made.cold)

    without, less = found(About(silent))
    with_graph, more = found(About(silent, facts))
    assert with_graph.graph > 0 == without.graph
    assert with_graph.unexplained < without.unexplained
    assert more > less


def test_the_mean_of_neighbours_is_that_of_a_plain_sum() -> None:
    draw = np.random.default_rng(0)
    triples = np.unique(np.stack([draw.integers(0, 12, 30), np.zeros(30, np.int64), draw.integers(12, 18, 30)], axis=1), axis=0)
    facts = Facts(triples, 18, ("is of",), np.where(np.arange(12) == 5, -1, np.arange(12)))
    items, warm = draw.standard_normal((12, 3)), np.arange(9)
    linked = np.zeros((12, 18))
    linked[triples[:, 0], triples[:, 2]] = 1
    linked[5] = 0
    counts = linked.sum(axis=0)
    shared = linked * np.where(counts > 1, 1 / np.sqrt(np.maximum(counts, 1)), 0)
    alike = shared @ shared.T
    np.fill_diagonal(alike, 0)
    alike[:, 9:] = 0
    plain = alike @ (items - items[warm].mean(axis=0)) / (alike.sum(axis=1) + np.median(alike.sum(axis=1)[warm]))[:, None]
    np.testing.assert_allclose(cold._neighbours(cold._links(facts, 12), items, warm), plain, atol=1e-12)


def test_from_hardly_any_items_nothing_is_learned() -> None:
    taken = Interactions.of(["a", "b"], ["x", "y"], known=["x", "y", "z"])
    with pytest.raises(BadRequest, match="only 2 items were taken by anyone: from fewer than 10 nothing is learned about new ones"):
        filled(np.ones((2, 2)), np.ones((3, 2)), taken, About(np.ones((3, 2), np.float32)))


# -- files and the command ---------------------------------------------------------------------------


def toy(folder: Path, about: bool = True) -> Path:
    """RecBole's files of a small world."""
    draw = np.random.default_rng(0)
    words = ["Animation for children", "Western", "Horror at night", "Musical"]
    rows = [(user, item) for user in range(40) for item in range(48) if draw.random() < (0.7 if user % 4 == item % 4 else 0.05)]
    (folder / "toy.inter").write_text("user_id:token\titem_id:token\n" + "".join(f"u{user}\ti{item}\n" for user, item in rows))
    titles = "".join(f"i{item}\tFilm {item}\t{words[item % 4]}\n" for item in range(47))
    if about:
        (folder / "toy.item").write_text("item_id:token\ttitle:token_seq\tclass:token_seq\n" + titles)
    return folder


def test_texts_of_items_are_read(tmp_path: Path) -> None:
    data = read(toy(tmp_path))
    assert data.texts is not None
    texts = dict(zip(data.parts.train.items, data.texts, strict=True))
    assert (texts["i6"], texts["i47"]) == ("Film 6, Horror at night", "")  # of the last nothing is told


def test_an_item_without_texts_and_a_model_without_vectors_are_one_sentence(kg: Kg, tmp_path: Path) -> None:
    asked = ("evaluate", "recommend", toy(tmp_path, about=False), "--split", "cold")
    kg(*asked).refused(2, "nothing tells what the items are: --split cold wants columns in a file .item")
    toy(tmp_path)
    kg(*asked, "--model", "itemknn").refused(2, "itemknn has no vectors")


@pytest.mark.models
def test_the_command_compares_with_popularity_and_text(kg: Kg, tmp_path: Path) -> None:
    options = ("--split", "cold", "--epochs", "30", "--dim", "8", "--rate", "0.02", "--top", "3", "--model", "lightgcn,bpr", "--json")
    answer = kg("evaluate", "recommend", toy(tmp_path), *options)
    assert answer.code == 0, answer.err
    rows = {row["model"]: row for row in answer.objects[0]["models"]}
    assert list(rows) == ["lightgcn", "bpr", "text only", "popularity", "popularity guessed"]
    assert rows["lightgcn"]["cold_recall@3"] > rows["popularity"]["cold_recall@3"]
    assert rows["lightgcn"]["cold"]["stretch"] >= 1


def test_the_films_have_texts() -> None:
    if not (DATA / "ml100k_kg").is_dir():
        servers.missing(f"the interactions ml100k_kg in {DATA}")
    data = read(DATA / "ml100k_kg", way="cold")
    assert data.texts is not None
    assert data.texts[0] == "Toy Story, 1995, Animation Children's Comedy"
    assert len(set(data.parts.test.pairs[:, 1].tolist())) == 336
