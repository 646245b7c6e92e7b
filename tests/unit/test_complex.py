"""ComplEx: the maths, its training, and what it proposes for a graph with a rule in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from kgplatform.belief import Calibration, believe, group
from kgplatform.errors import BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id, fact_key
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Fact, Forgotten, Kind, Receipt, Relation, Source, SourceId, Status
from kgplatform.view import GraphView
from reasoning import links
from reasoning.calibrate import Calibrated, Quality
from reasoning.candidates import FEATURES
from reasoning.curves import Curves, Line
from reasoning.queries import queries
from reasoning.split import Split, read_split

pytest.importorskip("torch")

import torch

from reasoning.models.complex import ComplEx
from reasoning.training.objectives import one_vs_all

UMLS = Path(__file__).parents[3] / "shared" / "data" / "umls"
FLAT = Curves(np.array([-1.0, 1.0]), np.array([-1.0, 1.0]), {})
SMALL = links.Recipe(dim=8, norm=0.05, epochs=4, batch=16)


def graph_view(seed: int = 0) -> GraphView:
    rng = np.random.default_rng(seed)
    rows = {(int(h), int(r), int(t)) for h, r, t in rng.integers((15, 3, 15), size=(60, 3))}

    def entity(number: int) -> Entity:
        return Entity(EntityId(f"e{number:02}"), f"e{number}")

    facts = [Fact(fact_key(f"r{r}", f"e{h:02}", f"e{t:02}"), entity(h), f"r{r}", entity(t), 1.0, 0.5 + h / 40) for h, r, t in sorted(rows)]
    return GraphView.of(facts)


def fresh_model(view: GraphView, rank: int = 5) -> ComplEx:
    model = ComplEx(len(view.entities), len(view.relations), rank, torch.Generator().manual_seed(1)).double()
    for parameter in model.parameters():
        parameter.data *= 500.0
    return model


def test_score_is_the_real_part_of_the_complex_product() -> None:
    view = graph_view()
    model = fresh_model(view)
    entity, relation = (np.asarray(p.detach()) for p in (model.entity, model.relation))
    as_complex = [array[:, :5] + 1j * array[:, 5:] for array in (entity, relation)]
    expected = np.real((as_complex[0][[3, 7]] * as_complex[1][[1, 4]]) @ as_complex[0].conj().T)
    scores = model.score(torch.tensor([3, 7]), torch.tensor([1, 4])).detach().numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-10)


def test_loss_over_distinct_queries_is_the_weighted_loss_of_every_triple() -> None:
    view = graph_view()
    model = fresh_model(view)
    asked = queries(view.triples, len(view.relations), view.confidence)
    assert len(asked) < 2 * len(view)
    batch = asked.batch(np.arange(len(asked)), "cpu")
    batch = batch._replace(mass=batch.mass.double(), weights=batch.weights.double())
    norm = 0.3
    expected = torch.zeros((), dtype=torch.float64)
    for (h, r, t), weight in zip(view.triples.tolist(), view.confidence.tolist(), strict=True):
        for head, relation, tail in ((h, r, t), (t, r + len(view.relations), h)):
            scores = model.score(torch.tensor([head]), torch.tensor([relation]))
            expected += weight * torch.nn.functional.cross_entropy(scores, torch.tensor([tail]))
            for vector in (model.entity[head], model.relation[relation], model.entity[tail]):
                expected += weight * norm * torch.complex(vector[:5], vector[5:]).abs().pow(3).sum()
    size = model.penalty(batch.heads, batch.relations, batch.tails, batch.mass, batch.weights)
    assert (one_vs_all(model, batch) + norm * size).item() == pytest.approx(expected.item(), rel=1e-6)


def test_training_is_repeatable_to_the_bit_and_depends_on_the_seed() -> None:
    view = graph_view()
    other = links.Recipe(dim=8, norm=0.05, epochs=4, batch=16, seed=1)
    first, again, seeded = (links.train(view, recipe).model.state_dict() for recipe in (SMALL, SMALL, other))
    assert all(torch.equal(first[name], again[name]) for name in ("entity", "relation"))
    assert not torch.equal(first["entity"], seeded["entity"])


def test_progress_counts_batches() -> None:
    told: list[tuple[int, int]] = []
    links.train(graph_view(), SMALL, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 16) for done in range(1, 17)]


def test_watched_training_is_left_as_it_was_before_it_fell_behind() -> None:
    view = graph_view()
    held = view.triples[:8]
    recipe = links.Recipe(dim=8, norm=0.0, epochs=60, batch=16)
    predictor = links.train(view.only(np.arange(8, len(view))), recipe, valid=held)
    metrics = links.evaluate(predictor, Split(predictor.view, np.zeros((0, 3), dtype=np.int64), held))
    assert metrics.mrr >= 0.99 * max(predictor.history)


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(BadRequest, match="no facts between entities"):
        links.train(GraphView.of([]))


def test_an_empty_graph_has_nothing_to_complete() -> None:
    with pytest.raises(BadRequest, match="no facts between entities"):
        links.complete(World([]), device="cpu")


def test_completion_is_imported_without_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import reasoning.links, sys; sys.exit('torch' in sys.modules)"],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0


# --- a graph with a rule: people are citizens of the country that their birthplace lies in ---

KINDS = {"place": Kind("place"), "city": Kind("city", "place"), "country": Kind("country", "place"), "person": Kind("person")}
CARDS = {
    "born in": Relation("born in", domain=("person",), range=("city",), functional=True),
    "located in": Relation("located in", domain=("city",), range=("country",), functional=True),
    "citizen of": Relation("citizen of", domain=("person",), range=("country",)),
    "married to": Relation("married to", domain=("person",), range=("person",), symmetric=True),
}


def entity(kind: str, name: str) -> Entity:
    return Entity(entity_id(kind, name), name, (kind,))


class World:
    """A stand-in for a graph: facts by status, and what was put."""

    def __init__(self, facts: Iterable[Fact], rejected: Iterable[Fact] = ()) -> None:
        self.held: dict[str, list[Fact]] = {"current": list(facts), "rejected": list(rejected)}
        self.received: list[Claim] = []
        self.forgotten: list[str] = []

    def view(self) -> GraphView:
        return GraphView.of(self.facts())

    def facts(self, *, status: Status = "current") -> list[Fact]:
        return self.held.get(status, [])

    def relations(self) -> dict[str, Relation]:
        return CARDS

    def kinds(self) -> dict[str, Kind]:
        return KINDS

    def put(self, claims: Sequence[Claim]) -> Receipt:
        self.received.extend(claims)
        return Receipt(new=len(claims))

    def forget(self, source: str) -> Forgotten:
        self.forgotten.append(source)
        return Forgotten(1, 1, 0)


def fact(head: Entity, relation: str, tail: Entity) -> Fact:
    return Fact(fact_key(relation, head.id, tail.id), head, relation, tail, 0.95, 0.95, methods=("import",))


COUNTRIES = [entity("country", f"Country {n}") for n in range(4)]
CITIES = [entity("city", f"City {n:02}") for n in range(12)]
PEOPLE = [entity("person", f"Person {n:02}") for n in range(72)]
TOLD = range(48)
"""The people whose citizenship the graph knows."""


def world(rejected: Iterable[Fact] = ()) -> World:
    located = [fact(city, "located in", COUNTRIES[n % 4]) for n, city in enumerate(CITIES)]
    born = [fact(person, "born in", CITIES[n % 12]) for n, person in enumerate(PEOPLE)]
    citizens = [fact(PEOPLE[n], "citizen of", COUNTRIES[n % 4]) for n in TOLD]
    couples = [fact(PEOPLE[n], "married to", PEOPLE[n + 12]) for n in range(10)]
    return World([*located, *born, *citizens, *couples], rejected)


@pytest.fixture(scope="module")
def done() -> tuple[World, links.Report]:
    kg = world()
    return kg, links.complete(kg, top=20, relation="citizen of", device="cpu")


def test_the_best_model_on_held_out_facts_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def judged(view: GraphView, *_: object) -> Calibrated:
        asked.append(getattr(_[-1], "model", ""))
        recipe = links.Recipe(4, 1, model=asked[-1])
        quality = Quality({"complex": 0.7, "distmult": 0.9, "rotate": 0.8}[asked[-1]], 0)
        return Calibrated(links.train(view, recipe), Line(np.zeros(FEATURES), 0.0), FLAT, quality)

    monkeypatch.setattr("reasoning.predict.calibrated", judged)
    report = links.complete(world(), model="auto", device="cpu", dry_run=True)
    assert asked == ["complex", "distmult", "rotate"]
    assert report.model.startswith("distmult@")


def test_completion_finds_what_the_rule_implies(done: tuple[World, links.Report]) -> None:
    _, report = done
    right = [int(p.head.name[-2:]) % 4 == int(p.tail.name[-1]) for p in report.proposals]
    assert len(right) >= 10
    assert sum(right) >= 0.9 * len(right)
    assert report.quality.enough


def test_the_store_will_believe_what_the_report_says(done: tuple[World, links.Report]) -> None:
    kg, report = done
    law = Calibration()
    for claim, proposal in zip(kg.received, report.proposals, strict=True):
        pieces = [(group(piece), law.weight(piece.method, claim.relation, piece.score)) for piece in claim.evidence]
        belief = believe(law.prior_weight(claim.relation), pieces)
        assert belief.confidence == pytest.approx(proposal.confidence)
        assert proposal.confidence >= 0.1


def test_evidence_names_model_snapshot_and_support(done: tuple[World, links.Report]) -> None:
    kg, report = done
    keys = {known.key for known in kg.facts()}
    for claim in kg.received:
        (piece,) = claim.evidence
        assert (piece.method, piece.source.kind) == ("graph", "graph")
        assert piece.source.id == f"graph:complex@{report.snapshot}"
        assert piece.model == report.model
        detail = dict(piece.detail)
        assert detail["snapshot"] == GraphView.of(kg.facts()).revision
        support = detail["support"].split("\n")
        assert support
        assert keys.issuperset(support)


def test_no_entity_takes_everything(done: tuple[World, links.Report]) -> None:
    _, report = done
    for end in ("head", "tail"):
        names = [getattr(proposal, end).name for proposal in report.proposals]
        assert max(map(names.count, names)) <= 4


def test_whole_graph_keeps_to_cards_and_knows_what_it_knows() -> None:
    refused = [fact(PEOPLE[50], "citizen of", COUNTRIES[2]), fact(PEOPLE[51], "citizen of", COUNTRIES[3])]
    kg = world(refused)
    report = links.complete(kg, top=40, min_confidence=0.0, device="cpu", dry_run=True)
    assert report.receipt is None
    assert kg.received == []
    known = {known.key for known in [*kg.facts(), *refused]}
    proposed = [fact_key(p.relation, p.head.id, p.tail.id) for p in report.proposals]
    assert len(set(proposed)) == len(proposed) > 10
    assert known.isdisjoint(proposed)
    for p in report.proposals:
        card = CARDS[p.relation]
        assert p.head.kinds[0] in card.domain
        assert p.tail.kinds[0] in card.range
        assert p.relation not in ("born in", "located in")  # functional, and every head has its tail
        assert p.relation != "married to" or p.head.id < p.tail.id
    # The same graph gives the same list.
    again = links.complete(world(refused), top=40, min_confidence=0.0, device="cpu", dry_run=True)
    assert again == report


def test_a_graph_of_chance_gets_an_honest_no() -> None:
    rng = np.random.default_rng(5)
    pairs = {(int(a), int(b)) for a, b in rng.integers(0, 40, size=(150, 2)) if a != b}
    kg = World([fact(PEOPLE[a], "knows", PEOPLE[b]) for a, b in sorted(pairs)])
    report = links.complete(kg, device="cpu")
    assert report.proposals == ()
    assert "held out" in report.note
    assert kg.received == []


def test_wrong_requests_are_sentences() -> None:
    with pytest.raises(NotFound, match="citizen of"):
        links.complete(world(), relation="owns", device="cpu")
    with pytest.raises(BadRequest, match="complex"):
        links.complete(world(), model="oracle", device="cpu")


@pytest.mark.slow
def test_umls_comes_near_the_published_figure() -> None:
    if not UMLS.is_dir():
        pytest.skip(f"the UMLS benchmark is not at {UMLS}")
    parts = read_split(UMLS)
    predictor = links.train(parts.train, valid=parts.valid)
    assert links.evaluate(predictor, parts).mrr > 0.93


def test_predictions_of_an_earlier_graph_are_withdrawn() -> None:
    kg = KnowledgeGraph(MemoryStore())
    kg.learn(CARDS.values(), KINDS.values())
    said = (Evidence("import", Source(SourceId("import:1"), "import")),)
    kg.put(Claim(one.head, one.relation, one.tail, said) for one in world().facts())
    links.complete(kg, top=5, device="cpu")
    kg.put([Claim(PEOPLE[60], "citizen of", COUNTRIES[0], said)])
    changed = links.complete(kg, top=5, device="cpu")
    assert {source for source in kg.sources() if source.startswith("graph:")} == {f"graph:complex@{changed.snapshot}"}
    again = links.complete(kg, top=5, device="cpu")
    assert again.receipt
    assert (again.receipt.new, again.receipt.merged, again.receipt.unchanged) == (0, 0, len(again.proposals))
