"""ULTRA: ranks on a graph of which it has never seen an entity or a relation, with no training (Galkin et al., 2023).

It knows relations by how they meet: two relations share heads, share tails, or one goes on where the other ends. A first network reads the
graph of these meetings from the relation that is asked about, and describes every relation in its light; a second reads the facts from the
entity that is asked about, by these descriptions. The parameters are those that the authors publish (``ultra_3g.pth``,
``ultra_50g.pth``), and only those are read.

Two habits of the published parameters must be kept, or all is slightly worse with no error: an edge's head hears of its tail, and a
question in the inverse direction starts from the direct relation in the first network, and from the inverse one in the second.
"""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from kgplatform.errors import BadFile
from kgplatform.view import Ints
from reasoning.models.propagation import Graph, Layer, Origin, both_ways, cut, judged, pieces, read

DIM, LAYERS = 64, 6
MEETINGS = 4
"""Two relations share a head, share a tail, a head of the receiver is a tail of the sender, a tail of it is a head of the sender."""
REMEMBERED = 1 << 28
"""Bytes of relation descriptions that are kept for later questions."""
PAIRS = 1 << 22
"""Pairs of relations at an entity that are looked at together."""
WANTED = "take ultra_3g.pth or ultra_50g.pth of the authors (github.com/DeepGraphLearning/ULTRA, folder ckpts)"
UNREADABLE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
)
"""What reading a file that is no such file ends in."""


class _Meeting(Layer):
    """A step between relations; the four ways of meeting have a vector each."""

    def __init__(self) -> None:
        super().__init__(DIM)
        self.relation = nn.Embedding(MEETINGS, DIM)

    def vectors(self, told: Tensor) -> Tensor:
        del told
        return self.relation.weight[:, None]


class _Described(Layer):
    """A step between entities; a relation's vector is made of its description."""

    def __init__(self) -> None:
        super().__init__(DIM)
        self.relation_projection = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU(), nn.Linear(DIM, DIM))

    def vectors(self, told: Tensor) -> Tensor:
        made: Tensor = self.relation_projection(told)
        return made


class _RelationModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Meeting() for _ in range(LAYERS))

    def forward(self, asked: Tensor, meetings: Graph) -> Tensor:
        """All relations in the light of each that is asked about: ``(batch,) -> (2 · relations, batch, dim)``."""
        ones = torch.ones(len(asked), DIM).to(next(self.parameters()))
        return read(self.layers, ones, Origin(asked, ones), meetings)


class _EntityModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Described() for _ in range(LAYERS))
        self.mlp = nn.Sequential(nn.Linear(2 * DIM, 2 * DIM), nn.ReLU(), nn.Linear(2 * DIM, 1))

    def forward(self, heads: Tensor, relations: Tensor, light: Tensor, described: Tensor, facts: Graph) -> Tensor:
        """Question ``i`` is read by the descriptions ``described[:, light[i]]``.

        ``(batch,), (batch,), (batch,), (2 · relations, lights, dim) -> (batch, entities)``.
        """
        asked = described[relations, light]
        told = described if described.shape[1] == 1 else described.index_select(1, light)
        return judged(self.mlp, read(self.layers, told, Origin(heads, asked), facts), asked)


class Ultra(nn.Module):
    """The parameters: they belong to no graph. ``on`` puts them on one."""

    def __init__(self) -> None:
        super().__init__()
        self.relation_model, self.entity_model = _RelationModel(), _EntityModel()

    @classmethod
    def load(cls, path: Path) -> Ultra:
        """The published parameters in this file. Raises ``BadFile`` for anything else; nothing in the file is run."""
        model = cls()
        model.load_state_dict(_parameters(path, {name: tuple(value.shape) for name, value in model.state_dict().items()}))
        return model.eval()

    def on(self, triples: Ints, entities: int, relations: int) -> OnGraph:
        """What ranks on the graph of these facts ``(n, 3)``."""
        return OnGraph(self, both_ways(triples, entities, relations), meetings(triples, entities, relations))

    def forward(self, heads: Tensor, relations: Tensor, facts: Graph, meetings: Graph) -> Tensor:
        """Scores with their gradients, all questions at once: ``(batch,), (batch,) -> (batch, entities)``."""
        direct, light = torch.unique(relations % (meetings.nodes // 2), return_inverse=True)
        scores: Tensor = self.entity_model(heads, relations, light, self.relation_model(direct, meetings), facts)
        return scores


class OnGraph(nn.Module):
    """ULTRA on a graph. Descriptions of relations are kept from question to question."""

    def __init__(self, ultra: Ultra, facts: Graph, meetings: Graph) -> None:
        super().__init__()
        self.ultra, self.facts, self.meetings = ultra, facts, meetings
        self._described: dict[int, Tensor] = {}

    @torch.no_grad()
    def score(self, heads: Tensor, relations: Tensor, without: Tensor | None = None) -> Tensor:
        """Scores of every entity as the tail: ``(batch,), (batch,) -> (batch, entities)``.

        ``relation + relations`` asks in the other direction. Whoever scores facts that the graph has must take them out of it by
        ``without`` ``(n, 3)``, or their own edges give them away; what relations mean is still read from all facts.
        """
        count = self.meetings.nodes // 2
        facts = self.facts if without is None else cut(self.facts, without, count)
        weight = next(self.parameters())
        scores = weight.new_empty(len(heads), facts.nodes)
        # Questions about the same relation share its descriptions.
        for some in pieces(torch.argsort(relations % count, stable=True), facts, DIM * weight.element_size()):
            direct, light = torch.unique(relations[some] % count, return_inverse=True)
            described = torch.stack([self._in_light(relation) for relation in direct.tolist()], dim=1).to(weight)
            scores[some] = self.ultra.entity_model(heads[some], relations[some], light, described, facts)
        return scores

    def among(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """Scores of these tails alone: ``(batch,), (batch,), (some,) -> (batch, some)``."""
        return self.score(heads, relations)[:, tails]

    @property
    def device(self) -> str:
        return str(next(self.parameters()).device)

    def _in_light(self, relation: int) -> Tensor:
        """``(2 · relations, dim)``."""
        if relation not in self._described:
            fresh = self.ultra.relation_model(torch.tensor([relation], device=self.meetings.edges.device), self.meetings)[:, 0]
            if self._described and (len(self._described) + 1) * fresh.nbytes > REMEMBERED:
                del self._described[next(iter(self._described))]
            self._described[relation] = fresh
        return self._described[relation]


def meetings(triples: Ints, entities: int, relations: int) -> Graph:
    """Which of the ``2 · relations`` directed relations meet, and how, over facts ``(n, 3)``; see ``MEETINGS``."""
    head, relation, tail = triples.T
    count = 2 * relations
    one, other = _sharing(np.concatenate([head, tail]), np.concatenate([relation, relation + relations]), entities, count)
    # The tails of a relation are the heads of its inverse, so all four follow from shared heads.
    turned_one, turned_other = (one + relations) % max(1, count), (other + relations) % max(1, count)
    receivers, senders = np.concatenate([one, turned_one, one, turned_one]), np.concatenate([other, turned_other, turned_other, other])
    return Graph.of(receivers, np.repeat(np.arange(MEETINGS), len(one)), senders, count, MEETINGS)


def _sharing(heads: Ints, relations: Ints, entities: int, count: int) -> tuple[Ints, Ints]:
    """All pairs of relations that some entity is a head of, ``(pairs,)`` twice."""
    head, relation = np.divmod(np.unique(heads * count + relations), max(1, count))
    starts = np.searchsorted(head, np.arange(entities + 1))
    partners = np.diff(starts)[head]
    cuts = np.searchsorted(np.cumsum(partners), np.arange(PAIRS, partners.sum(), PAIRS))
    met = np.zeros(0, dtype=np.int64)
    for rows in np.split(np.arange(len(head)), cuts):
        each = partners[rows]
        within = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
        other = relation[np.repeat(starts[head[rows]], each) + within]
        met = np.unique(np.concatenate([met, np.repeat(relation[rows], each) * count + other]))
    return np.divmod(met, max(1, count))


def _parameters(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about files that are refused here anyway
            held = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror}): {WANTED}") from None
    except UNREADABLE:
        raise BadFile(f"{path}: is no file of parameters alone, or is damaged: {WANTED}") from None
    found = held.get("model") if isinstance(held, dict) else None
    found = {name: value for name, value in found.items() if isinstance(value, Tensor)} if isinstance(found, dict) else {}
    if {name: tuple(value.shape) for name, value in found.items()} != shapes:
        raise BadFile(f"{path}: holds the parameters of another model: {WANTED}")
    if not all(value.is_floating_point() and value.layout is torch.strided and bool(value.isfinite().all()) for value in found.values()):
        raise BadFile(f"{path}: holds parameters that are not numbers: {WANTED}")
    return found
