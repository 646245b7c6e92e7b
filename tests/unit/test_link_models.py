"""Every link predictor: its mathematics against plain sums, its slopes against finite differences, and the pattern it was made for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from kgplatform.errors import BadRequest, MissingExtra
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView, Ints
from reasoning import recipe
from reasoning.evaluate import evaluate
from reasoning.models import conve, registry
from reasoning.models.base import Bilinear, Factored, Model
from reasoning.models.distance import moduli, projected
from reasoning.models.house import PARTS
from reasoning.queries import Batch, queries
from reasoning.recipe import Recipe
from reasoning.split import Split
from reasoning.train import train
from reasoning.training import softmax
from reasoning.training.objectives import against_some, one_vs_all, which_relation

ENTITIES, RELATIONS, DIM = 7, 3, 4
GRAPH = np.array([[0, 0, 1], [1, 1, 2], [2, 0, 3], [0, 2, 6], [5, 1, 1], [0, 0, 2]])
APART = ("nbfnet",)
"""Tested in files of their own."""
EVERY = pytest.mark.parametrize("name", [name for name in registry.MODELS if name not in APART])


@pytest.fixture
def few_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """ConvE with as many parameters as can be gone through one by one."""
    monkeypatch.setattr(conve, "CHANNELS", 3)


def fresh(name: str) -> Model:
    """A small model whose parameters are large enough to matter."""
    model = registry.make(name, ENTITIES, RELATIONS, DIM, torch.Generator().manual_seed(3)).double()
    draw = torch.Generator().manual_seed(4)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
    model.on(GRAPH)
    return model.eval()


def asked() -> tuple[Tensor, Tensor]:
    """Every question there is."""
    heads, relations = torch.meshgrid(torch.arange(ENTITIES), torch.arange(2 * RELATIONS), indexing="ij")
    return heads.reshape(-1), relations.reshape(-1)


def batch(seed: int = 0) -> Batch:
    draw = np.random.default_rng(seed)
    rows = np.unique(draw.integers((ENTITIES, RELATIONS, ENTITIES), size=(20, 3)), axis=0)
    found = queries(rows, RELATIONS, draw.uniform(0.3, 1.0, len(rows)).astype(np.float32))
    made = found.batch(np.arange(len(found)), "cpu")
    return made._replace(mass=made.mass.double(), weights=made.weights.double())


# -- scores ------------------------------------------------------------------------------------------


def complexes(values: Tensor) -> Tensor:
    real, imaginary = values.chunk(2, dim=-1)
    return torch.complex(real, imaginary)


def _complex(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    head, relation, tail = (complexes(v) for v in (m.entity[h], m.relation[r + RELATIONS * back], m.entity[t]))
    return (head * relation * tail.conj()).sum().real


def _distmult(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    return (m.entity[h] * m.relation[r] * m.entity[t]).sum()


def _rescal(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    return m.entity[h] @ m.relation[r + RELATIONS * back].view(DIM, DIM) @ m.entity[t]


def _transe(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    head, tail = (t, h) if back else (h, t)
    return -(m.entity[head] + m.relation[r] - m.entity[tail]).abs().sum()


def _rotate(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    head, tail = (t, h) if back else (h, t)
    angle = m.relation[r] * torch.pi / m.unit
    return -(complexes(m.entity[head]) * torch.polar(torch.ones_like(angle), angle) - complexes(m.entity[tail])).abs().sum()


def _hake(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    head, tail = (t, h) if back else (h, t)
    (radius, angle), (far, other) = (m.entity[end].chunk(2) for end in (head, tail))
    scale = m.scale[r].abs()
    bias = torch.maximum(m.bias[r].clamp(max=1.0), -scale)
    moduli = (radius * (scale + bias) - far * (1 - bias)).norm()
    phases = ((angle + m.angle[r] - other) * torch.pi / m.unit / 2).sin().abs().sum()
    return -(m.modulus_weight * moduli + m.phase_weight * phases).squeeze()


def _house(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    """Point by point, with whole matrices."""
    head, tail = (t, h) if back else (h, t)
    ends = [m.entity[end].view(PARTS, DIM) for end in (head, tail)]
    mirrors, along = m.mirrors[r].view(PARTS, PARTS, DIM), m.along[r].view(2, PARTS, DIM)
    one, total = torch.eye(PARTS, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for point in range(DIM):
        places = []
        for side in range(2):
            p, strength = along[side, :, point], m.strength[r].view(2, DIM)[side, point]
            places.append((one - strength * torch.outer(p, p) / (p @ p)) @ ends[side][:, point])
        for mirror in mirrors[:, :, point]:
            places[0] = (one - 2 * torch.outer(mirror, mirror) / (mirror @ mirror)) @ places[0]
        total = total + (places[0] - places[1]).norm()
    return -total


def _conve(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    """Window by window, with running means and variances, and nothing dropped."""

    def normed(value: Tensor, norm: Any, at: int) -> Tensor:
        mean, spread = norm.running_mean[at], (norm.running_var[at] + norm.eps).sqrt()
        scaled: Tensor = (value - mean) / spread * norm.weight[at] + norm.bias[at]
        return scaled

    picture = torch.cat([m.entity[h].view(m.high, -1), m.relation[r + RELATIONS * back].view(m.high, -1)])
    framed = torch.zeros(picture.shape[0] + 2, picture.shape[1] + 2, dtype=torch.float64)
    framed[1:-1, 1:-1] = normed(picture, m.norms[0], 0)
    found = [
        normed((framed[y : y + 3, x : x + 3] * kernel[0]).sum(), m.norms[1], channel).clamp(min=0)
        for channel, kernel in enumerate(m.kernel)
        for y in range(picture.shape[0])
        for x in range(picture.shape[1])
    ]
    hidden = torch.stack(found) @ m.hidden
    told = torch.stack([normed(value, m.norms[2], at).clamp(min=0) for at, value in enumerate(hidden)])
    return told @ m.entity[t] + m.bias[t, 0]


def _compgcn(m: Any, h: int, r: int, t: int, back: bool) -> Any:
    def told(entity: int) -> Tensor:
        there, backward, own = m.ways[0].chunk(3, dim=1)
        into = [m.entity[a] * m.relation[k] for a, k, b in GRAPH if b == entity]
        out = [m.entity[b] * m.relation[k + RELATIONS] for a, k, b in GRAPH if a == entity]
        nothing = [torch.zeros(DIM, dtype=torch.float64)]
        heard = torch.stack(into or nothing).mean(0) @ there + torch.stack(out or nothing).mean(0) @ backward
        mixed = (heard + (m.entity[entity] * m.itself[0][0]) @ own) / 3
        norm = m.norms[0]
        return torch.tanh((mixed - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias)

    return (told(h) * (m.relation[r + RELATIONS * back] @ m.onward[0]) * told(t)).sum()


BY_HAND: dict[str, Callable[[Any, int, int, int, bool], Any]] = {
    "complex": _complex,
    "compgcn": _compgcn,
    "conve": _conve,
    "hake": _hake,
    "house": _house,
    "distmult": _distmult,
    "rescal": _rescal,
    "transe": _transe,
    "rotate": _rotate,
}


@EVERY
@pytest.mark.usefixtures("few_channels")
def test_a_score_is_what_the_paper_says(name: str) -> None:
    model = fresh(name)
    heads, relations = asked()
    found = model.score(heads, relations)
    assert found.shape == (len(heads), ENTITIES)
    for row, (head, relation) in enumerate(zip(heads.tolist(), relations.tolist(), strict=True)):
        plain = [BY_HAND[name](model, head, relation % RELATIONS, tail, relation >= RELATIONS) for tail in range(ENTITIES)]
        torch.testing.assert_close(found[row], torch.stack(plain), rtol=1e-8, atol=1e-8)


@EVERY
def test_some_scores_are_those_of_all(name: str) -> None:
    model = fresh(name)
    heads, relations = asked()
    some, whole = torch.tensor([5, 0, 3]), model.score(heads, relations)
    torch.testing.assert_close(model.score_some(heads, relations, some), whole[:, some])
    if isinstance(model, Factored):
        one = torch.arange(len(heads)) % ENTITIES
        each = model.match_each(model.query(heads, relations), model.answers()[one])
        torch.testing.assert_close(each, whole[torch.arange(len(heads)), one])


@pytest.mark.parametrize("name", [name for name in registry.MODELS if name not in APART and isinstance(fresh(name), Bilinear)])
def test_pairs_score_every_relation_at_once(name: str) -> None:
    model = fresh(name)
    assert isinstance(model, Bilinear)
    heads, tails = torch.tensor([0, 4, 6]), torch.tensor([2, 4, 1])
    if (pair := model.between(heads, tails)) is None:
        return
    for relation in range(2 * RELATIONS):
        scores = model.score(heads, torch.full_like(heads, relation))[torch.arange(3), tails]
        torch.testing.assert_close((pair @ model.relation_vectors().T)[:, relation], scores)


def slopes(model: Model, loss: Callable[[], Tensor]) -> None:
    """The gradient of every parameter against central differences."""
    model.zero_grad()
    loss().backward()  # type: ignore[no-untyped-call]
    for parameter in model.parameters():
        found = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        flat, expected = parameter.data.view(-1), torch.zeros_like(parameter).view(-1)
        for place in range(len(flat)):
            kept, ends = flat[place].item(), []
            for step in (1e-6, -1e-6):
                flat[place] = kept + step
                ends.append(loss().item())
            flat[place] = kept
            expected[place] = (ends[0] - ends[1]) / 2e-6
        torch.testing.assert_close(found.to_dense().view(-1), expected, rtol=1e-4, atol=1e-5)


@EVERY
@pytest.mark.usefixtures("few_channels")
def test_slopes_of_the_loss_against_all(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(softmax._BLOCK, "cpu", 4 * ENTITIES)  # several blocks
    model, some = fresh(name), batch()
    slopes(model, lambda: one_vs_all(model, some) + 0.1 * model.penalty(some.heads, some.relations, some.tails, some.mass, some.weights))


@EVERY
@pytest.mark.usefixtures("few_channels")
def test_slopes_of_the_loss_against_a_sample(name: str) -> None:
    model, some = fresh(name), batch()
    if isinstance(model, Factored):
        sample = torch.tensor([1, 3, 4, 6])
        # Without temperature every wrong answer weighs the same: those weights have no slope in training either.
        slopes(model, lambda: against_some(model, some, sample, margin=2.0, temperature=0.0))


@EVERY
@pytest.mark.usefixtures("few_channels")
def test_slopes_of_telling_relations(name: str) -> None:
    model, some = fresh(name), batch()
    if isinstance(model, Bilinear):
        slopes(model, lambda: which_relation(model, some) + 0.0 * one_vs_all(model, some))


def test_complex_distances_and_their_slopes() -> None:
    draw = torch.Generator().manual_seed(0)
    first, second = (torch.randn(rows, 6, generator=draw, dtype=torch.float64, requires_grad=True) for rows in (5, 9))
    plain = (complexes(first)[:, None] - complexes(second)).abs().sum(-1)
    torch.testing.assert_close(moduli(first, second), plain)
    assert torch.autograd.gradcheck(moduli, (first, second))


def test_distances_of_projected_points_and_their_slopes() -> None:
    draw = torch.Generator().manual_seed(0)
    given = [torch.randn(rows, 6, generator=draw, dtype=torch.float64, requires_grad=True) for rows in (5, 5, 5, 9)]
    a, p, s, b = (vectors.view(-1, 2, 3) for vectors in given)
    share = (p[:, None] * b).sum(2, keepdim=True)
    torch.testing.assert_close(projected(2, *given), (a[:, None] - b + share * s[:, None]).norm(dim=2).sum(-1))
    assert torch.autograd.gradcheck(lambda *some: projected(2, *some), given)


def test_a_projection_makes_room_for_many_tails() -> None:
    """HousE: tails that differ only in the direction of the projection are the same to the relation."""
    model: Any = fresh("house")
    model.strength.data[1] = 1.0
    direction = model.along[1].view(2, PARTS, DIM)[1]
    model.entity.data[4] = model.entity[2] + (torch.arange(1.0, DIM + 1) * direction).reshape(-1)
    scores = model.score(torch.tensor([0, 0]), torch.tensor([1, 2]))
    torch.testing.assert_close(scores[0, 4], scores[0, 2])
    assert abs(scores[1, 4] - scores[1, 2]) > 0.1


def test_a_true_answer_in_the_sample_is_not_held_against_the_model() -> None:
    model = fresh("complex")
    assert isinstance(model, Factored)
    one = Batch(*(torch.tensor(v) for v in ([0], [0], [1.0], [0], [2], [1.0])))
    one = one._replace(mass=one.mass.double(), weights=one.weights.double())
    with_it, without = (against_some(model, one, torch.tensor(s), margin=1.0, temperature=1.0) for s in ([1, 2, 4], [1, 4]))
    torch.testing.assert_close(with_it, without)


# -- what they were made for -------------------------------------------------------------------------


def world(rows: list[tuple[str, str, str]]) -> GraphView:
    def thing(name: str) -> Entity:
        return Entity(EntityId(name), name)

    return GraphView.of(Fact(fact_key(r, h, t), thing(h), r, thing(t), 1.0, 1.0) for h, r, t in rows)


def told(view: GraphView, rows: list[tuple[str, str, str]]) -> Ints:
    entities = {id_: number for number, id_ in enumerate(view.entity_ids)}
    return np.array([(entities[EntityId(h)], view.relations.index(r), entities[EntityId(t)]) for h, r, t in rows])


def hits(recipe: Recipe, shown: list[tuple[str, str, str]], hidden: list[tuple[str, str, str]]) -> float:
    view = world(shown)
    predictor = train(view, recipe)
    return evaluate(predictor, Split(view, np.zeros((0, 3), np.int64), told(view, hidden))).hits[1]


PEOPLE = [f"p{number:02}" for number in range(24)]
DISTANCE = {"objective": "some", "negatives": 30, "optimiser": "adam", "rate": 0.02, "margin": 4.0}
SETTINGS: dict[str, Recipe] = {
    "complex": Recipe(32, 120, norm=0.02, batch=40),
    "distmult": Recipe(32, 120, norm=0.02, batch=40, model="distmult"),
    "rescal": Recipe(24, 120, norm=0.01, rate=0.05, batch=40, model="rescal"),
    "transe": Recipe(32, 300, batch=40, model="transe", **DISTANCE),  # type: ignore[arg-type]
    "rotate": Recipe(32, 300, batch=40, model="rotate", **DISTANCE),  # type: ignore[arg-type]
    "hake": Recipe(32, 300, batch=40, model="hake", **DISTANCE),  # type: ignore[arg-type]
    "house": Recipe(16, 300, batch=40, model="house", **DISTANCE),  # type: ignore[arg-type]
    "conve": Recipe(32, 60, batch=20, model="conve", optimiser="adam", rate=0.005),
    "compgcn": Recipe(32, 80, batch=40, model="compgcn", optimiser="adam", rate=0.01),
    "nbfnet": Recipe(16, 20, batch=10, model="nbfnet", optimiser="adam", rate=0.01),
}


@pytest.mark.parametrize("name", ["complex", "distmult", "house", "nbfnet", "rescal", "rotate"])
def test_symmetry_is_learnt(name: str) -> None:
    pairs = list(zip(PEOPLE[:12], PEOPLE[12:], strict=True))
    shown = [(a, "married to", b) for a, b in pairs] + [(b, "married to", a) for a, b in pairs[:8]]
    assert hits(SETTINGS[name], shown, [(b, "married to", a) for a, b in pairs[8:]]) >= 0.75


@pytest.mark.parametrize("name", ["complex", "conve", "hake", "house", "nbfnet", "rescal", "rotate", "transe"])
def test_inversion_is_learnt(name: str) -> None:
    pairs = list(zip(PEOPLE[:12], PEOPLE[12:], strict=True))
    shown = [(a, "parent of", b) for a, b in pairs] + [(b, "child of", a) for a, b in pairs[:8]]
    assert hits(SETTINGS[name], shown, [(b, "child of", a) for a, b in pairs[8:]]) >= 0.75


@pytest.mark.parametrize("name", ["compgcn", "house", "nbfnet", "rotate", "transe"])
def test_composition_is_learnt(name: str) -> None:
    """Who is born in a city of a country is a citizen of it."""
    born = [(person, "born in", f"city {number % 8}") for number, person in enumerate(PEOPLE)]
    lies = [(f"city {number}", "lies in", f"country {number % 4}") for number in range(8)]
    citizens = [(person, "citizen of", f"country {number % 4}") for number, person in enumerate(PEOPLE)]
    found = hits(SETTINGS[name], [*born, *lies, *citizens[:16]], citizens[16:])
    assert found >= 0.4  # tails only: of a country's six citizens none is told from the other as its head


def test_levels_of_a_hierarchy_are_learnt() -> None:
    """Of a tree of kinds two relations are told: what a thing is, and what it is at the very top."""
    leaves = [f"leaf {number}" for number in range(24)]
    shown = [(leaf, "is a", f"kind {number % 6}") for number, leaf in enumerate(leaves)]
    shown += [(f"kind {number}", "is a", f"realm {number % 2}") for number in range(6)]
    top = [(leaf, "is at the top", f"realm {number % 6 % 2}") for number, leaf in enumerate(leaves)]
    assert hits(SETTINGS["hake"], [*shown, *top[:16]], top[16:]) >= 0.45  # tails; heads cannot be told apart


@pytest.mark.parametrize("name", ["rotate", "transe", "conve"])
def test_settings_for_very_many_entities_teach_something(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: Adagrad had the learning rate that suits Adam, by which the models that are made for Adam learned nothing."""
    monkeypatch.setattr(recipe, "MANY", 10)
    view = world([(a, "knows", b) for a, b in zip(PEOPLE, PEOPLE[5:], strict=False)])
    found = train(view, Recipe.fitting(view, name, batch=8, epochs=30, negatives=8, dim=32))
    facts = Split(view, np.zeros((0, 3), np.int64), view.triples)
    assert evaluate(found, facts).mrr > 0.5


def test_which_relation_a_pair_has_is_learned_where_it_has_one() -> None:
    pairs = [(a, b) for a in PEOPLE for b in PEOPLE[::2] if a != b]
    one = world([(a, f"relation {number % 25}", b) for number, (a, b) in enumerate(pairs)])
    several = world([(a, f"relation {(number + more) % 25}", b) for number, (a, b) in enumerate(pairs) for more in (0, 1)])
    few = world([(a, f"relation {number % 5}", b) for number, (a, b) in enumerate(pairs)])
    assert [Recipe.fitting(view).relation_weight for view in (one, several, few)] == [2.0, 0.0, 0.0]


@EVERY
def test_a_question_alone_in_its_batch_is_learnt_from(name: str) -> None:
    """Regression: ConvE wanted at least two to norm what it makes of them."""
    view = world([(a, "knows", b) for a, b in zip(PEOPLE, PEOPLE[5:], strict=False)])
    asked = len(queries(view.triples, len(view.relations)))
    found = train(view, Recipe.fitting(view, name, epochs=1, dim=4, batch=asked - 1))
    assert all(bool(torch.isfinite(value).all()) for value in found.model.state_dict().values())


@EVERY
def test_other_parameters_give_other_scores(name: str) -> None:
    """Regression: what CompGCN had made of the graph stayed when its parameters were read from elsewhere."""
    model, other = fresh(name), fresh(name)
    for parameter in other.parameters():
        parameter.data = parameter.data * 0.5
    with torch.no_grad():
        model.score(*asked())
        model.load_state_dict(other.state_dict())
        torch.testing.assert_close(model.score(*asked()), other.score(*asked()))


@pytest.mark.parametrize("name", registry.MODELS)
def test_the_same_seed_gives_the_same_model(name: str) -> None:
    view = world([(a, "knows", b) for a, b in zip(PEOPLE, PEOPLE[5:], strict=False)])
    recipe = Recipe.fitting(view, name, epochs=2, dim=4, batch=8)
    first, again = train(view, recipe).model.state_dict(), train(view, recipe).model.state_dict()
    assert all(torch.equal(first[part], again[part]) for part in first)


def test_without_torch_geometric_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_geometric.nn", None)
    with pytest.raises(MissingExtra, match=r"CompGCN needs the package torch_geometric.* pip install 'kgplatform\[reasoning\]'"):
        registry.make("compgcn", ENTITIES, RELATIONS, DIM, torch.Generator())


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match=r"'oracle' is no link-prediction model: there are .*complex"):
        Recipe(8, 1, model="oracle")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rate": float("inf")}, "learning rate must be above 0"),
        ({"norm": float("nan")}, "norm must be 0 or more"),
        ({"norm": -1.0}, "norm must be 0 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_numbers_that_no_training_has_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Recipe(8, 1, **given)
