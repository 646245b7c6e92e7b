"""A graph that has grown is learned from where it was left: names keep what was learned of them, and nothing learned is held out."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView
from reasoning import calibrate, links, split
from reasoning.calibrate import calibrated
from reasoning.candidates import Cards
from reasoning.models.registry import MODELS
from reasoning.predict import predict
from reasoning.recipe import Recipe
from reasoning.train import Learning, train

pytest.importorskip("torch")

import torch

from reasoning.training import before, checkpoint

NO_CARDS = Cards({}, {})


def facts(count: int = 400, seed: int = 0, people: int = 30) -> list[Fact]:
    """Who knows whom, in circles of six, and works where."""
    rng = np.random.default_rng(seed)
    ends = [Entity(EntityId(f"person:p{n:03}"), f"P {n}") for n in range(people)]
    offices = [Entity(EntityId(f"office:o{n}"), f"O {n}") for n in range(people // 6)]
    told = {(ends[h], "knows", ends[h - h % 6 + t]) for h, t in rng.integers((people, 6), size=(count, 2)).tolist() if h % 6 != t}
    told |= {(one, "works at", offices[n // 6]) for n, one in enumerate(ends) if n % 5}
    told |= {(one, "visits", offices[(n // 6 + 1) % len(offices)]) for n, one in enumerate(ends) if n % 4}
    return [
        Fact(fact_key(r, h.id, t.id), h, r, t, 0.9, 0.9, methods=("import",))
        for h, r, t in sorted(told, key=lambda x: (x[0].id, x[1], x[2].id))
    ]


def grown() -> list[Fact]:
    """More facts, of a person, an office and a relation that come first by name."""
    one, office = Entity(EntityId("aaa:first"), "First"), Entity(EntityId("office:aa"), "Office")
    told = [(one, "admires", office), (one, "knows", facts()[0].head), (facts()[3].head, "visits", office)]
    return [*facts(), *(Fact(fact_key(r, h.id, t.id), h, r, t, 0.9, 0.9, methods=("import",)) for h, r, t in told)]


def small(model: str, view: GraphView) -> Recipe:
    return replace(Recipe.fitting(view, model), dim=16, epochs=3)


@pytest.mark.parametrize("model", MODELS)
def test_names_keep_what_was_learned_of_them(model: str, tmp_path: Path) -> None:
    old, new = GraphView.of(facts()), GraphView.of(grown())
    recipe = small(model, old)
    learned = train(old, recipe, keep=tmp_path / "kept")
    found = before.read(tmp_path / "kept", new, recipe)
    assert found
    fresh = links.train(new, replace(recipe, epochs=1, rate=1e-12))
    optimiser = (torch.optim.Adagrad if recipe.optimiser == "adagrad" else torch.optim.Adam)(fresh.model.parameters(), lr=0.1)
    found.carry(fresh.model, optimiser, new)
    # Both read the same facts, where they read any: those of the graph as it was.
    ends = np.array([new.entity_ids.find(name) for name in old.entity_ids])
    relations = np.array([new.relations.index(name) for name in old.relations])
    fresh.model.on(np.stack([ends[old.triples[:, 0]], relations[old.triples[:, 1]], ends[old.triples[:, 2]]], axis=1))
    asked = torch.arange(len(old.relations) * 2)
    then = learned.score(torch.zeros_like(asked), asked)
    direction = torch.from_numpy(np.concatenate([relations, relations + len(new.relations)]))
    now = fresh.score(torch.full_like(asked, int(ends[0])), direction)[:, torch.from_numpy(ends)]
    torch.testing.assert_close(now, then, rtol=1e-4, atol=1e-4)


def test_the_optimiser_goes_on_where_it_was(tmp_path: Path) -> None:
    """Adagrad's sums come along with their rows: from none, its first step would undo what was learned."""
    old, new = GraphView.of(facts()), GraphView.of(grown())
    recipe = small("complex", old)
    train(old, recipe, keep=tmp_path / "kept")
    found = before.read(tmp_path / "kept", new, recipe)
    assert found
    fresh = train(new, replace(recipe, epochs=1))
    optimiser = torch.optim.Adagrad(fresh.model.parameters(), lr=0.1)
    found.carry(fresh.model, optimiser, new)
    sums = optimiser.state_dict()["state"][0]["sum"]
    assert sums[new.entity_ids.find("aaa:first")].abs().max() == 0
    one = facts()[0].head.id
    torch.testing.assert_close(sums[new.entity_ids.find(one)], found.tensors["optimiser/entity/sum"][old.entity_ids.find(one)])


def test_what_was_learned_is_known() -> None:
    old, new = GraphView.of(facts()), GraphView.of(grown())
    found = before.Before("", "", Recipe(4, 1), old.entity_ids, old.relations, old.triples[:50], {})
    known = {new.keys[n] for n in np.flatnonzero(found.knew(new)).tolist()}
    assert known == set(old.keys[:50])


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if so few facts were many."""
    monkeypatch.setattr(calibrate, "LARGE", 50)


def learning(folder: Path, heard: list[int]) -> Learning:
    return Learning("complex", kept=folder, heard=lambda epoch, *_: heard.append(epoch))


@pytest.mark.usefixtures("large")
def test_the_same_graph_gives_the_same_list_without_learning(tmp_path: Path) -> None:
    view = GraphView.of(facts())
    heard: list[int] = []
    first = predict(view, NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, heard))
    assert first.proposals
    assert heard
    heard.clear()
    again = predict(view, NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, heard))
    assert (again.proposals, again.model) == (first.proposals, first.model)
    assert heard == []


@pytest.mark.usefixtures("large")
def test_a_grown_graph_is_gone_on_from_and_judged_by_what_it_has_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    first = calibrated(GraphView.of(facts()), NO_CARDS, np.zeros((0, 3), np.int64), learning(tmp_path, heard))
    cold, new = len(heard), GraphView.of(grown())
    heard.clear()
    held: list[np.ndarray] = []

    def removable(*args: Any, **kwargs: Any) -> np.ndarray:
        held.append(split.removable(*args, **kwargs))
        return held[-1]

    monkeypatch.setattr(calibrate, "removable", removable)
    found = before.read(tmp_path / "complex.safetensors", new, Recipe.fitting(new))
    assert found
    second = calibrated(new, NO_CARDS, np.zeros((0, 3), np.int64), learning(tmp_path, heard))
    assert second.predictor.recipe.start == first.predictor.recipe.revision(first.predictor.view)
    assert len(heard) < cold
    assert len(held[0])
    assert not found.knew(new)[held[0]].any()
    assert second.quality.auc > 0.8
    assert list(tmp_path.iterdir()) == [tmp_path / "complex.safetensors"]


@pytest.mark.usefixtures("large")
def test_what_cannot_be_gone_on_from_is_learned_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    view, file = GraphView.of(facts()), tmp_path / "complex.safetensors"
    predict(view, NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, []))
    fewer = GraphView.of(facts()[::2])
    assert predict(fewer, NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, [])).start == ""
    assert "not all that" in caplog.text
    file.write_bytes(b"no checkpoint")
    assert predict(view, NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, [])).start == ""
    assert "cannot be gone on from" in caplog.text
    assert before.read(file, view, Recipe.fitting(view)) is not None  # written again, whole


@pytest.mark.usefixtures("large")
def test_nothing_that_was_taken_back_is_gone_on_from(tmp_path: Path) -> None:
    """One fact is enough: what it taught could stand behind any prediction."""
    predict(GraphView.of(grown()), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, []))
    found = before.read(tmp_path / "complex.safetensors", GraphView.of(grown()), Recipe.fitting(GraphView.of(grown())))
    assert found
    head, relation, tail = (int(value) for value in found.triples[0])
    gone = found.entities[head], found.relations[relation], found.entities[tail]
    fewer = [fact for fact in grown() if (fact.head.id, fact.relation, getattr(fact.tail, "id", "")) != gone]
    assert predict(GraphView.of(fewer), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, [])).start == ""


@pytest.mark.usefixtures("large")
def test_what_another_version_kept_is_learned_anew(tmp_path: Path) -> None:
    """Regression: a file that lacked a table broke every completion until someone deleted it."""
    predict(GraphView.of(facts()), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, []))
    file = tmp_path / "complex.safetensors"
    held = checkpoint.read(file)
    checkpoint.write(
        file, checkpoint.Checkpoint({name: value for name, value in held.tensors.items() if name != "model/relation"}, held.told)
    )
    again = predict(GraphView.of(grown()), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, []))
    assert again.start == ""
    assert again.proposals


@pytest.mark.usefixtures("large")
def test_the_model_that_it_went_on_from_is_one_that_was_told(tmp_path: Path) -> None:
    first = predict(GraphView.of(facts()), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, []))
    second = predict(GraphView.of(grown()), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, []))
    assert (first.start, second.start) == ("", first.model)
    again = predict(GraphView.of(grown()), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, []))
    assert (again.start, again.model) == ("", second.model)  # nothing was learned, so nothing was gone on from


@pytest.mark.usefixtures("large")
def test_where_nothing_can_be_kept_the_predictions_come_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reasoning.training.checkpoint.write", full)
    assert predict(GraphView.of(facts()), NO_CARDS, min_confidence=0.0, learning=learning(tmp_path, [])).proposals
    assert "cannot be written (No space left on device), so the graph will be learned anew" in caplog.text


@pytest.mark.usefixtures("large")
def test_a_trial_leaves_nothing(tmp_path: Path) -> None:
    predict(GraphView.of(facts()), NO_CARDS, min_confidence=0.0, learning=replace(learning(tmp_path, []), keeps=False))
    assert list(tmp_path.iterdir()) == []
