"""What the worlds tell: numbers lose nothing, names that were learned by heart are lost when they are swapped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kgplatform.errors import BadRequest, ModelError
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.names import fact_key
from kgplatform.ports import Progress
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView
from reasoning.evaluate import Scorer, evaluate
from reasoning.memory.likelihood import CANDIDATES, Asked, likelihood
from reasoning.memory.report import Report, fact_ranks, interval, report, trained
from reasoning.memory.similarity import Similarity
from reasoning.memory.texts import Texts
from reasoning.memory.worlds import WORLDS, World
from reasoning.split import Split, split
from tests.commands import Kg, commands

pytest.importorskip("torch")

from reasoning import links

COUNTRIES = tuple(
    "Albreth Borgund Cestimar Dravonia Ekulit Fennholt Gorzawa Hiluma Istrand Jorvask Kalimor Luthenia Mepoqua Nysgard Ovitzi Pelaru "
    "Quendal Rusmeth".split()
)
CITIES = tuple(f"New {country}" for country in COUNTRIES)
"""A city is called like its country: an encoder of spelling finds it, and nobody else can."""
FACTS = [(city, "located_in", country) for city, country in zip(CITIES, COUNTRIES, strict=True)]
NEAR = [(one, "near_to", two) for one, two in pairwise(CITIES)]
KNOWING = ScriptedScorer(sentences=[f"{city} located in {country}" for city, _, country in FACTS])


def parts_of(train: Sequence[tuple[str, str, str]], test: Sequence[tuple[str, str, str]]) -> Split:
    def fact(head: str, relation: str, tail: str) -> Fact:
        return Fact(fact_key(relation, head, tail), Entity(EntityId(head), head), relation, Entity(EntityId(tail), tail), 1.0, 1.0)

    view = GraphView.of(fact(*row) for row in (*train, *test))
    held = {fact_key(relation, head, tail) for head, relation, tail in test}
    told = np.array([key in held for key in view.keys])
    return Split(view.only(~told), view.triples[:0], view.triples[told])


PARTS = parts_of([*FACTS[:6], *NEAR], FACTS[6:])
TEXTS = Texts.of(PARTS.train)


def complex_of(world: World, _: Progress | None) -> Scorer:
    return links.train(world.split.train, links.Recipe(dim=8, norm=0.05, epochs=4, batch=16), valid=world.split.valid)


def random_parts() -> Split:
    rng = np.random.default_rng(4)
    rows = sorted({(f"thing {h}", f"rel {r}", f"thing {t}") for h, r, t in rng.integers((30, 3, 30), size=(300, 3)).tolist()})
    return split(parts_of(rows, []).train, seed=1)


def test_an_embedding_of_numbers_is_invariant_to_the_bit() -> None:
    parts = random_parts()
    texts = Texts.of(parts.train)
    told = Texts(texts.names, tuple(f"{name} is like {texts.names[0]}" for name in texts.names), texts.relations)
    found = report(parts, told, trained(complex_of), seed=2)
    plain = evaluate(links.train(parts.train, links.Recipe(dim=8, norm=0.05, epochs=4, batch=16), valid=parts.valid), parts)
    assert [row.world for row in found.rows] == list(WORLDS)
    for row in found.rows:
        assert (row.mrr, dict(row.hits)) == (found.rows[0].mrr, dict(found.rows[0].hits))
        assert (row.gap, row.low, row.high) == (0.0, 0.0, 0.0)
        assert dict(row.hits) == dict(plain.hits)
        assert row.mrr == pytest.approx(plain.mrr, abs=1e-12)


def test_ranks_stand_beside_their_facts() -> None:
    """A scorer that knows one fact alone ranks that one first on both sides, and no other."""
    import torch

    parts = random_parts()
    count, facts = len(parts.train.relations), np.unique(parts.test, axis=0)
    for place in (0, 5, len(facts) - 1):
        head, relation, tail = facts[place].tolist()

        class One:
            def score(self, heads: torch.Tensor, relations: torch.Tensor) -> torch.Tensor:
                scores = torch.zeros(len(heads), len(parts.train.entities))
                scores[(heads == head) & (relations == relation), tail] = 1.0  # noqa: B023
                scores[(heads == tail) & (relations == relation + count), head] = 2.0  # noqa: B023
                return scores

        ranks = fact_ranks(One(), parts)
        assert ranks.shape == (len(facts), 2)
        assert ranks[place].tolist() == [1.0, 1.0]
        assert (ranks == 1.0).sum() == 2


def test_what_an_encoder_knows_of_names_is_the_gap() -> None:
    found = report(PARTS, TEXTS, trained(lambda world, _: Similarity(world.texts, HashingEncoder())))
    assert found.rows[0].mrr > 0.7
    for world in ("virtual", "anonymised", "fully_anonymised"):
        row = found.row(world)
        assert row.gap == pytest.approx(found.rows[0].mrr - row.mrr)
        assert 0.3 < row.low <= row.gap <= row.high
    assert found.row("inconsistent").gap == 0.0  # there are no descriptions to swap
    assert (found.facts, found.described) == (12, 0)


def test_an_encoder_that_reads_descriptions_loses_when_they_are_swapped() -> None:
    told = {city: f"A town of {country}." for city, country in zip(CITIES, COUNTRIES, strict=True)}
    hidden = tuple(f"x{number}" if name in told else name for number, name in enumerate(TEXTS.names))
    texts = Texts(hidden, tuple(told.get(name, "") for name in TEXTS.names), TEXTS.relations)
    found = report(PARTS, texts, trained(lambda world, _: Similarity(world.texts, HashingEncoder())))
    assert found.row("inconsistent").low > 0.1
    assert found.described == len(CITIES)


def lm_report(limit: int = 100, scorer: ScriptedScorer = KNOWING) -> Report:
    return report(PARTS, TEXTS, likelihood(scorer, Asked.of(PARTS, limit)))


def test_what_a_language_model_knows_by_heart_is_the_gap() -> None:
    found = lm_report()
    assert found.rows[0].mrr > 0.6
    assert found.rows[0].hits[3] == 1.0
    assert found.row("virtual").low > 0.3
    assert found.row("anonymised").low > 0.3


def test_a_language_model_that_knows_nothing_ranks_in_the_middle() -> None:
    found = lm_report(scorer=ScriptedScorer({}, [], "blank@1"))
    assert abs(found.row("virtual").gap) < 0.15
    assert found.rows[0].hits[1] < 0.2


def test_a_limit_asks_fewer_facts_and_the_same_in_every_world() -> None:
    asked = Asked.of(PARTS, 5)
    assert lm_report(5).facts == len(asked.facts) == 5
    again = Asked.of(PARTS, 5)
    known = set(map(tuple, PARTS.known.tolist()))
    assert np.array_equal(asked.facts, again.facts)
    for (head, relation, tail), (tails, heads), (same, _) in zip(asked.facts.tolist(), asked.rivals, again.rivals, strict=True):
        assert np.array_equal(tails, same)
        assert len(set(tails.tolist())) == len(set(heads.tolist())) == CANDIDATES - 1
        assert known.isdisjoint((head, relation, end) for end in tails.tolist())
        assert known.isdisjoint((start, relation, tail) for start in heads.tolist())


def test_a_relation_that_training_never_saw_is_asked_too() -> None:
    parts = parts_of(NEAR, FACTS[:4])
    assert not len(Asked.of(parts, 9).usual[parts.train.relations.index("located_in")])
    assert report(parts, Texts.of(parts.train), likelihood(KNOWING, Asked.of(parts, 9))).facts == 4


def test_likelihoods_that_are_not_numbers_are_refused() -> None:
    class Broken(ScriptedScorer):
        def logprobs(
            self, items: Sequence[tuple[str, str]], progress: Progress | None = None
        ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            return np.full(len(items), np.nan)

    with pytest.raises(ModelError, match="not numbers"):
        lm_report(scorer=Broken())


def test_a_split_without_test_facts_is_refused() -> None:
    empty = Split(PARTS.train, PARTS.valid, PARTS.test[:0])
    with pytest.raises(BadRequest, match="no test facts"):
        report(empty, TEXTS, trained(complex_of))


def test_progress_goes_through_all_worlds() -> None:
    told: list[tuple[int, int]] = []
    report(PARTS, TEXTS, likelihood(KNOWING, Asked.of(PARTS, 2)), progress=lambda done, total: told.append((done, total)))
    assert [done / total for done, total in told] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_the_interval_narrows_with_facts_and_holds_the_mean() -> None:
    values = np.random.default_rng(0).normal(0.2, 1.0, size=400)
    low, high = interval(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    assert interval(values) == (low, high)


# -- kg evaluate memory ------------------------------------------------------------------------------


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kg:
    monkeypatch.setattr("kgplatform.opening.bare_encoder", lambda *_: HashingEncoder())
    monkeypatch.setattr("kgplatform.opening.bare_scorer", lambda *_: KNOWING)
    monkeypatch.setenv("KG_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)
    for name, rows in (("train", [*FACTS[:6], *NEAR]), ("valid", []), ("test", FACTS[6:])):
        Path(f"{name}.txt").write_text("".join("\t".join(row) + "\n" for row in rows))
    return commands(capsys)


@pytest.mark.parametrize(("model", "name", "least"), [("text", "hashing@1", 0.3), ("lm", "scripted@1", 0.3), ("complex", "complex", 0.0)])
def test_the_command_measures_every_world(kg: Kg, model: str, name: str, least: float) -> None:
    (found,) = kg("evaluate", "memory", ".", "--model", model, "--json", "--out", "o.json").objects
    assert found["model"] == name
    assert list(found["variants"]) == list(WORLDS)
    assert found["gap"] == found["variants"]["virtual"]["gap"] >= least
    assert found["gap_low"] <= found["gap"] <= found["gap_high"]
    assert {"mrr", "hits@1", "hits@3", "hits@10"} <= set(found["variants"]["original"])
    assert model != "complex" or {row["gap"] for row in found["variants"].values()} == {0.0}
    assert json.loads(Path("o.json").read_text()) == found


def test_the_command_says_what_it_found(kg: Kg) -> None:
    said = kg("evaluate", "memory", ".", "--model", "lm", "--limit", "4")
    assert said.code == 0
    assert "is lost when names are swapped" in said.out
    assert "4 test facts, both ends; 0 entities have a description" in said.out
    assert "no entity has a description" in said.err


def test_the_command_takes_names_from_the_files_beside(kg: Kg) -> None:
    Path("entity2text.txt").write_text(
        "".join(f"{city}\tTown {number}\tA town of {COUNTRIES[number]}\n" for number, city in enumerate(CITIES))
    )
    (found,) = kg("evaluate", "memory", ".", "--model", "text", "--json").objects
    assert found["described_entities"] == len(CITIES)
    assert found["variants"]["inconsistent"]["gap"] > 0.1


def test_what_cannot_be_measured_is_refused(kg: Kg) -> None:
    kg("evaluate", "memory", ".", "--model", "oracle").refused(2, "'oracle'", "complex", "text, lm")
    kg("evaluate", "memory", "nowhere", "--model", "text").refused(2, "nowhere: there is no such folder")
    kg("evaluate", "memory", ".", "--model", "text", "--out", "none/o.json").refused(2, "there is no folder none")
    Path("test.txt").write_text("")
    kg("evaluate", "memory", ".", "--model", "text").refused(2, "no test facts")
