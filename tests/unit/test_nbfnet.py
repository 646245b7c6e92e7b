"""NBFNet: it learns what follows from what, not who is who."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from reasoning.evaluate import evaluate
from reasoning.models.nbfnet import NBFNet
from reasoning.split import Split
from tests.unit.test_ultra import citizens


def fresh(parts: Split, seed: int = 0) -> NBFNet:
    view = parts.train
    generator = torch.Generator().manual_seed(seed)
    model = NBFNet(len(view.entities), len(view.relations), 8, generator, layers=3)
    model.on(view.triples)
    return model


def questions(facts: Tensor, relations: int) -> tuple[Tensor, Tensor, Tensor]:
    head, relation, tail = facts.T
    return torch.cat([head, tail]), torch.cat([relation, relation + relations]), torch.cat([tail, head])


def trained(parts: Split, epochs: int) -> NBFNet:
    model, facts = fresh(parts), torch.from_numpy(parts.train.triples.copy())
    generator = torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(facts), generator=generator).tensor_split(len(facts) // 8):
            heads, relations, tails = questions(facts[rows], model.relations)
            loss = torch.nn.functional.cross_entropy(model.score(heads, relations, without=facts[rows]), tails)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return model


def right(model: NBFNet, parts: Split) -> float:
    """Share of the held-out facts whose tail comes first."""
    heads, relations, tails = (torch.from_numpy(column.copy()) for column in parts.test.T)
    with torch.no_grad():
        return cast(float, (model.score(heads, relations).argmax(dim=1) == tails).double().mean().item())


def test_it_learns_that_one_relation_follows_from_two_and_for_other_entities_too() -> None:
    parts = citizens()
    model = trained(parts, epochs=30)
    assert right(model, parts) == 1.0
    assert evaluate(model, parts).hits[1] > evaluate(fresh(parts), parts).hits[1] + 0.3
    elsewhere = citizens(count=45, countries=7)
    moved = fresh(elsewhere)
    moved.load_state_dict(model.state_dict())
    assert right(moved, elsewhere) > 0.9


def test_training_is_repeatable_to_the_bit_and_depends_on_the_seed() -> None:
    parts = citizens()
    first, again = trained(parts, epochs=1).state_dict(), trained(parts, epochs=1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(fresh(parts, 0).query.weight, fresh(parts, 1).query.weight)


def test_no_parameter_is_left_out_of_training() -> None:
    parts = citizens()
    model, facts = fresh(parts), torch.from_numpy(parts.train.triples.copy())
    model.score(*questions(facts, model.relations)[:2]).square().sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool((parameter.grad != 0).any()), name


def test_a_fact_taken_out_is_as_if_it_had_never_been() -> None:
    parts = citizens()
    model, facts = fresh(parts).double(), torch.from_numpy(parts.train.triples.copy())
    heads, relations, _ = questions(facts[:4], model.relations)
    fewer = fresh(Split(parts.train.only(np.arange(4, len(facts))), parts.valid, parts.test)).double()
    apart = model.score(heads, relations, without=facts[:4])
    torch.testing.assert_close(apart, fewer.score(heads, relations))
    assert not torch.allclose(apart, model.score(heads, relations))


def test_a_question_is_answered_alike_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = citizens()
    model, facts = fresh(parts).double(), torch.from_numpy(parts.train.triples.copy())
    heads, relations, _ = questions(facts, model.relations)
    together = model.score(heads, relations)
    monkeypatch.setattr("reasoning.models.propagation.MESSAGES", {"cpu": 0})
    torch.testing.assert_close(model.score(heads, relations), together)
    assert model.score(heads[:0], relations[:0]).shape == (0, len(parts.train.entities))
