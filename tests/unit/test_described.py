"""What is said of entities is learned from, beside the facts: above all of those with few facts or none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from kgplatform.errors import BadFile, BadRequest
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import Floats, GraphView, Ints
from reasoning import links
from reasoning.evaluate import evaluate
from reasoning.memory.similarity import vectors
from reasoning.memory.texts import Texts
from reasoning.models import registry
from reasoning.models.described import FEATURES, describe
from reasoning.recipe import Recipe
from reasoning.split import Split
from reasoning.train import Predictor, train

TRADES = ("baker", "carpenter", "gardener", "physician")
TABLES = [name for name in registry.MODELS if name != "nbfnet"]
RECIPES = {
    "complex": Recipe(16, 60, norm=0.02, batch=40),
    "distmult": Recipe(16, 60, norm=0.02, batch=40, model="distmult"),
    "rescal": Recipe(16, 60, norm=0.01, rate=0.05, batch=40, model="rescal"),
    "conve": Recipe(16, 60, batch=20, model="conve", optimiser="adam", rate=0.005),
    "transe": Recipe(16, 150, batch=40, model="transe", objective="some", negatives=30, optimiser="adam", rate=0.02, margin=4.0),
}


def trade(number: int) -> str:
    return TRADES[number % len(TRADES)]


def town(facts_of: int) -> tuple[GraphView, Floats, Ints]:
    """Forty people of four trades, each with its guild and tools; of all but the first ``facts_of`` is only a neighbour known, and said
    what they are. The facts that are kept back are their guilds."""
    people = [f"person {number:02}" for number in range(40)]
    shown = [(one, "lives beside", people[number ^ 1]) for number, one in enumerate(people)]
    shown += [(one, "is of", f"guild {number % 4}") for number, one in enumerate(people[:facts_of])]
    shown += [(one, "works with", f"tool {number % 4}") for number, one in enumerate(people[:facts_of])]
    described = {one: f"a {trade(number)} of the town" for number, one in enumerate(people)}

    def thing(name: str) -> Entity:
        return Entity(EntityId(name), name, description=described.get(name, ""))

    view = GraphView.of(Fact(fact_key(r, h, t), thing(h), r, thing(t), 1.0, 1.0) for h, r, t in shown)
    texts = Texts.of(view, {EntityId(name): thing(name) for name in described})
    of = {str(id_): place for place, id_ in enumerate(view.entity_ids)}
    held = [(of[one], view.relations.index("is of"), of[f"guild {number % 4}"]) for number, one in enumerate(people) if number >= facts_of]
    return view, vectors(texts, HashingEncoder()), np.array(held)


def guilds(predictor: Predictor, view: GraphView, held: Ints) -> float:
    """The MRR of the right guild."""
    return evaluate(predictor, Split(view, np.zeros((0, 3), np.int64), held)).tail.mrr


@pytest.mark.parametrize("name", RECIPES)
def test_texts_tell_what_no_fact_tells(name: str) -> None:
    view, features, held = town(24)
    without = guilds(train(view, RECIPES[name]), view, held)
    assert guilds(train(view, RECIPES[name], features=features), view, held) >= max(0.6, without + 0.2)


def test_facts_count_for_more_than_texts_that_say_nothing() -> None:
    view, features, _ = town(40)
    known = view.triples[view.triples[:, 1] == view.relations.index("is of")]
    noise = np.random.default_rng(0).standard_normal(features.shape, np.float32) / np.float32(16)
    found = train(view, RECIPES["complex"], features=noise)
    scores = found.score(torch.from_numpy(known[:, 0].copy()), torch.from_numpy(known[:, 1].copy()))
    assert (scores.argmax(dim=1).numpy() == known[:, 2]).mean() >= 0.9


@pytest.mark.parametrize("name", TABLES)
def test_every_table_of_entities_can_be_described(name: str, tmp_path: Path) -> None:
    view, features, _ = town(24)
    recipe, asked = Recipe.fitting(view, name, epochs=2, dim=4), (torch.tensor([0, 1]), torch.tensor([0, 1]))
    found = train(view, recipe, features=features, out=tmp_path / "model")
    again = links.load(tmp_path / "model", view)
    assert torch.equal(found.score(*asked), again.score(*asked))
    assert again.recipe == found.recipe != recipe  # not to be taken for a model without texts
    assert found.model.state_dict()[FEATURES].shape == features.shape


def test_a_training_goes_on_only_with_the_same_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reasoning.training.run import Run

    view, features, _ = town(24)
    recipe, path = dataclasses.replace(RECIPES["complex"], epochs=4), tmp_path / "run"
    whole = train(view, recipe, features=features)
    with monkeypatch.context() as patch:
        patch.setattr(Run, "forget", lambda _: None)
        patch.setattr(Run, "_over", lambda self: self.epoch == 2)
        train(view, recipe, features=features, checkpoint=path, minutes=0)
    for others in (None, features[::-1]):
        with pytest.raises(BadFile, match="belongs to another graph or other settings"):
            train(view, recipe, features=others, checkpoint=path)
    resumed = train(view, recipe, features=features, checkpoint=path)
    states = whole.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_features_that_do_not_fit_are_refused() -> None:
    view, features, _ = town(24)
    with pytest.raises(BadRequest, match=r"a vector for each of \d+ entities, not of the shape \(3, 256\)"):
        train(view, RECIPES["complex"], features=features[:3])
    with pytest.raises(BadRequest, match="learns nothing of single entities"):
        describe(registry.make("nbfnet", 7, 2, 4, torch.Generator()), features[:7], torch.Generator())
