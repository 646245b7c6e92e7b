"""ULTRA: the published model to the letter, on any graph, from nothing but its published files."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplatform.errors import BadFile
from kgplatform.types import Entity, EntityId, Fact, FactKey
from kgplatform.view import GraphView, Ints
from reasoning.evaluate import evaluate
from reasoning.split import Split, read_split
from tests import servers

pytest.importorskip("torch")

import torch
from torch import Tensor

from reasoning.models.ultra import DIM, OnGraph, Ultra

DATA = Path(__file__).parents[3] / "shared" / "data"
ENTITIES, RELATIONS = 8, 3


def published(name: str) -> Path:
    path = DATA / "ultra" / f"ultra_{name}.pth"
    if not path.exists():
        servers.missing(f"the parameters of ULTRA ({path.name}, from github.com/DeepGraphLearning/ULTRA, in ../shared/data/ultra)")
    return path


def random_parameters(seed: int = 0) -> Ultra:
    model, generator = Ultra().double(), torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return model


def random_facts(seed: int = 0, count: int = 14) -> Ints:
    return np.unique(np.random.default_rng(seed).integers((ENTITIES, RELATIONS, ENTITIES), size=(count, 3)), axis=0)


def every_question(relations: int = RELATIONS) -> tuple[Tensor, Tensor]:
    heads, asked = torch.meshgrid(torch.arange(ENTITIES), torch.arange(2 * relations), indexing="ij")
    return heads.flatten(), asked.flatten()


# --- the same, edge by edge and question by question, from the authors' description ---

Edges = Iterable[tuple[int, int, int]]


def walk(layers: Any, vectors: list[Tensor], states: Tensor, edges: Edges) -> Tensor:
    """``states`` ``(nodes, dim)`` hold the question at its start; ``edges`` are receiver, kind, sender."""
    start = states
    for layer, vector in zip(layers, vectors, strict=True):
        heard = list(start)
        for receiver, kind, sender in edges:
            heard[receiver] = heard[receiver] + states[sender] * vector[kind]
        states = states + torch.relu(layer.layer_norm(layer.linear(torch.cat([states, torch.stack(heard)], dim=1))))
    return states


def slowly(model: Ultra, facts: Ints, head: int, asked: int) -> Tensor:
    rows = {tuple(row) for row in facts.tolist()}
    edges = sorted({(h, r, t) for h, r, t in rows} | {(t, r + RELATIONS, h) for h, r, t in rows})
    heads = [{h for h, r, _ in edges if r == number} for number in range(2 * RELATIONS)]
    tails = [{t for _, r, t in edges if r == number} for number in range(2 * RELATIONS)]
    ways = ((heads, heads), (tails, tails), (heads, tails), (tails, heads))
    numbers = range(2 * RELATIONS)
    meetings = [(a, kind, b) for kind, (one, other) in enumerate(ways) for a in numbers for b in numbers if one[a] & other[b]]
    ones = torch.zeros(2 * RELATIONS, DIM, dtype=torch.float64)
    ones[asked % RELATIONS] = 1.0
    layers: Any = model.relation_model.layers
    described = walk(layers, [layer.relation.weight for layer in layers], ones, meetings)
    states = torch.zeros(ENTITIES, DIM, dtype=torch.float64)
    states[head] = described[asked]
    layers = model.entity_model.layers
    states = walk(layers, [layer.relation_projection(described) for layer in layers], states, edges)
    scores: Tensor = model.entity_model.mlp(torch.cat([states, described[asked].expand(ENTITIES, -1)], dim=1))
    return scores[:, 0]


def test_scores_are_the_papers() -> None:
    model, facts = random_parameters(), random_facts()
    heads, asked = every_question()
    expected = torch.stack([slowly(model, facts, *question) for question in zip(heads.tolist(), asked.tolist(), strict=True)])
    found = model.on(facts, ENTITIES, RELATIONS).score(heads, asked)
    torch.testing.assert_close(found, expected.detach())
    assert expected.std() > 0.01


def test_slopes_are_the_papers() -> None:
    model, facts = random_parameters(), random_facts()
    on, heads, asked = model.on(facts, ENTITIES, RELATIONS), torch.tensor([0, 5, 5]), torch.tensor([1, 4, 2])
    expected = torch.stack([slowly(model, facts, *question) for question in zip(heads.tolist(), asked.tolist(), strict=True)])
    found = model(heads, asked, on.facts, on.meetings)
    parameters = list(model.parameters())
    slopes, wanted = (torch.autograd.grad(scores.square().sum(), parameters) for scores in (found, expected))
    torch.testing.assert_close(slopes, wanted)


# --- laws ---


def test_a_question_is_answered_alike_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    on = random_parameters().on(random_facts(), ENTITIES, RELATIONS)
    heads, asked = every_question()
    together = on.score(heads, asked)
    alone = torch.cat([on.score(head[None], relation[None]) for head, relation in zip(heads, asked, strict=True)])
    torch.testing.assert_close(alone, together)
    assert on.score(heads[:0], asked[:0]).shape == (0, ENTITIES)
    monkeypatch.setattr("reasoning.models.propagation.MESSAGES", {"cpu": 20_000})
    monkeypatch.setattr("reasoning.models.ultra.REMEMBERED", 0)
    torch.testing.assert_close(random_parameters().on(random_facts(), ENTITIES, RELATIONS).score(heads, asked), together)


@settings(max_examples=20)
@given(st.permutations(range(ENTITIES)), st.permutations(range(RELATIONS)))
def test_names_mean_nothing(entities: list[int], relations: list[int]) -> None:
    facts, model, (heads, asked) = random_facts(), random_parameters(), (torch.tensor([0, 3]), torch.tensor([1, 5]))
    entity, relation = np.array(entities), np.array(relations)
    renamed = np.stack([entity[facts[:, 0]], relation[facts[:, 1]], entity[facts[:, 2]]], axis=1)
    both = torch.from_numpy(np.concatenate([relation, relation + RELATIONS]))
    scores = model.on(renamed, ENTITIES, RELATIONS).score(torch.from_numpy(entity)[heads], both[asked])
    torch.testing.assert_close(scores[:, entity], model.on(facts, ENTITIES, RELATIONS).score(heads, asked))


def test_facts_are_scored_without_their_own_edges() -> None:
    model, facts = random_parameters(), random_facts()
    on, heads, asked = model.on(facts, ENTITIES, RELATIONS), torch.from_numpy(facts[:3, 0].copy()), torch.from_numpy(facts[:3, 1].copy())
    apart = on.score(heads, asked, without=torch.from_numpy(facts[:3].copy()))
    torch.testing.assert_close(apart, OnGraph(model, model.on(facts[3:], ENTITIES, RELATIONS).facts, on.meetings).score(heads, asked))
    assert not torch.allclose(apart, on.score(heads, asked))


def test_a_graph_without_facts_is_scored_too() -> None:
    scores = random_parameters().on(np.zeros((0, 3), dtype=np.int64), ENTITIES, RELATIONS).score(torch.tensor([1]), torch.tensor([0]))
    assert scores.shape == (1, ENTITIES)
    assert bool(scores.isfinite().all())


# --- the file ---


def test_a_file_of_parameters_is_read(tmp_path: Path) -> None:
    model = random_parameters()
    torch.save({"model": model.state_dict(), "optimizer": {}}, tmp_path / "file.pth")
    read = Ultra.load(tmp_path / "file.pth")
    assert sum(parameter.numel() for parameter in read.parameters()) == 168_705
    for name, value in read.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[name].float())


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_a_file_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    for write in (torch.save, lambda held, path: path.write_bytes(pickle.dumps(held))):
        write({"model": Bomb(tmp_path / "ran")}, tmp_path / "file.pth")
        with pytest.raises(BadFile, match=r"file\.pth: is no file of parameters alone"):
            Ultra.load(tmp_path / "file.pth")
    assert not (tmp_path / "ran").exists()


def changed(**values: Any) -> Any:
    state = Ultra().state_dict()
    name = "entity_model.mlp.2.bias"
    return {"model": {**state, name: values["value"]} if "value" in values else {key: held for key, held in state.items() if key != name}}


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (changed(), "parameters of another model"),
        (changed(value=torch.zeros(2)), "parameters of another model"),
        (changed(value=7), "parameters of another model"),
        ({"model": {**Ultra().state_dict(), "more": torch.zeros(1)}}, "parameters of another model"),
        (Ultra().state_dict(), "parameters of another model"),
        ([1, 2], "parameters of another model"),
        (changed(value=torch.tensor([torch.nan])), "that are not numbers"),
        (changed(value=torch.tensor([1])), "that are not numbers"),
    ],
)
def test_other_parameters_are_refused_in_a_sentence(held: Any, words: str, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "file.pth")
    with pytest.raises(BadFile, match=rf"file\.pth: holds .*{words}: take ultra_3g\.pth"):
        Ultra.load(tmp_path / "file.pth")


def test_what_is_not_there_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(BadFile, match=r"cannot be read \(.*\): take ultra_3g\.pth"):
            Ultra.load(path)


@given(st.binary(max_size=60), st.integers(0, 3))
def test_any_other_file_is_refused_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, some: bytes, beginning: int) -> None:
    path = tmp_path_factory.mktemp("any") / "file.pth"
    path.write_bytes((b"", b"PK\x03\x04", pickle.dumps({}, protocol=2)[:3], b"\x80\x02}q\x00")[beginning] + some)
    with pytest.raises(BadFile, match=r"file\.pth: "):
        Ultra.load(path)


def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    torch.save({"model": Ultra().state_dict()}, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    for share in (0.1, 0.5, 0.99):
        (tmp_path / "file.pth").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(BadFile, match=r"or is damaged: take ultra_3g\.pth"):
            Ultra.load(tmp_path / "file.pth")


# --- the published parameters ---


def citizens(count: int = 30, countries: int = 5) -> Split:
    """People are nationals of the country that their birthplace lies in; that is held out for every third."""
    rows = [(f"city {n}", "zzz lies within", f"country {n % countries}") for n in range(15)]
    rows += [(f"person {n}", "zzz first saw light in", f"city {n * 7 % 15}") for n in range(count)]
    rows += [(f"person {n}", "zzz carries the passport of", f"country {n * 7 % 15 % countries}") for n in range(count)]

    def fact(head: str, relation: str, tail: str) -> Fact:
        return Fact(FactKey(f"{relation}|{head}"), Entity(EntityId(head), head), relation, Entity(EntityId(tail), tail), 1.0, 1.0)

    view = GraphView.of(fact(*row) for row in rows)
    passport = view.relations.index("zzz carries the passport of")
    held = (view.triples[:, 1] == passport) & (view.triples[:, 0] % 3 == 0)
    return Split(view.only(~held), np.zeros((0, 3), dtype=np.int64), view.triples[held])


@pytest.mark.parametrize("name", ["3g", "50g"])
def test_names_never_seen_are_ranked_with_no_training(name: str) -> None:
    parts = citizens()
    view = parts.train
    on = Ultra.load(published(name)).on(view.triples, len(view.entities), len(view.relations))
    heads, relations, tails = (torch.from_numpy(column.copy()) for column in parts.test.T)
    scores = on.score(heads, relations)
    assert (scores.argmax(dim=1) == tails).double().mean() > 0.9


@pytest.mark.slow
def test_codex_s_is_ranked_as_published() -> None:
    checkpoint = published("3g")
    if not (DATA / "codex_s").exists():
        servers.missing("CoDEx-S in ../shared/data/codex_s")
    parts = read_split(DATA / "codex_s")
    view = parts.train
    metrics = evaluate(Ultra.load(checkpoint).on(view.triples, len(view.entities), len(view.relations)), parts)
    assert metrics.ranks == 3_656
    assert metrics.mrr == pytest.approx(0.4716, abs=5e-4)
    assert metrics.hits[10] == pytest.approx(0.6682, abs=5e-4)
