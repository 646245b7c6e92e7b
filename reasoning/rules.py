"""Rules of a graph: which chains of one or two links go with a relation, how far they can be trusted, and where they hold.

A rule says: who is linked by this chain is often linked by that relation. Chains are found between the ends of some facts of the relation,
and judged on all heads that have a fact of it, as in AMIE (Galárraga et al., 2013): of the pairs a chain connects, how many are facts.
A chain that holds for few pairs is trusted less. ``relation + relations`` is a link against its direction.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kgplatform.view import Ints

if TYPE_CHECKING:
    from scipy import sparse

Reals = npt.NDArray[np.float64]
SAMPLE, HEADS = 100, 1_000
"""Facts of a relation between whose ends chains are looked for, and heads on which these are judged."""
BUSY = 1_000
"""Links of an entity beyond which chains through it are not looked for: hubs are on the way from everything to everything."""
MOST = 25
"""Rules of one relation."""
LEAST_FACTS, LEAST = 3, 0.02
"""A rule connects so many facts of the sample, and so large a part of its pairs are facts."""
DOUBT = 5.0
"""So many pairs that are no facts every rule is taken to have besides those seen."""
_WIDE = 20_000_000
"""Pairs that a chain may connect from the heads it is judged on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is linked by ``chain`` is linked by ``relation`` with this ``confidence``; ``facts`` of ``pairs`` that were looked at are."""

    relation: int
    chain: tuple[int, ...]
    confidence: float
    facts: int
    pairs: int


@dataclass(frozen=True, eq=False)
class Chains:
    """Facts ``(n, 3)`` ready to be followed in both directions."""

    triples: Ints
    entities: int
    relations: int

    def rules(self, relation: int, seed: int = 0) -> list[Rule]:
        """The rules of a relation, the most trusted first; found once."""
        if (relation, seed) not in self._found:
            self._found[relation, seed] = self._mined(relation, seed)
        return self._found[relation, seed]

    def _mined(self, relation: int, seed: int) -> list[Rule]:
        facts = self.triples[self.triples[:, 1] == relation]
        some = np.random.default_rng((seed, relation)).permutation(len(facts))[:SAMPLE]
        seen = Counter(chain for head, _, tail in facts[some].tolist() for chain in self.between(head, tail, but=relation))
        usual = [chain for chain, count in seen.most_common(2 * MOST) if count >= LEAST_FACTS]
        judged = [rule for chain in usual if (rule := self._judged(relation, facts, chain, seed)) and rule.confidence >= LEAST]
        return sorted(judged, key=lambda rule: (-rule.confidence, rule.chain))[:MOST]

    def between(self, head: int, tail: int, but: int | None = None) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
        """The chains from ``head`` to ``tail`` and the rows of their facts, a list a chain; without the fact ``head but tail`` itself."""
        found: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        links, ends, rows = self._leaving(head)
        own = (links == but) & (ends == tail) if but is not None else np.zeros(len(links), bool)
        for link, row in zip(links[(ends == tail) & ~own].tolist(), rows[(ends == tail) & ~own].tolist(), strict=True):
            found.setdefault((link,), []).append((row,))
        back, middles, back_rows = self._leaving(tail)
        if len(links) > BUSY or len(back) > BUSY:
            return found
        order = np.argsort(middles, kind="stable")
        first, last = (np.searchsorted(middles[order], ends, side) for side in ("left", "right"))
        for place in np.flatnonzero((last > first) & (ends != head) & (ends != tail)).tolist():
            for other in order[first[place] : last[place]].tolist():
                chain = int(links[place]), (int(back[other]) + self.relations) % (2 * self.relations)
                found.setdefault(chain, []).append((int(rows[place]), int(back_rows[other])))
        return found

    def facts(self, entity: int, link: int) -> Ints:
        """The rows of its facts of that link."""
        links, _, rows = self._leaving(entity)
        own: Ints = rows[links == link]
        return own

    def around(self, entity: int) -> Ints:
        """What stands next to it, each as one number: link and neighbour."""
        links, ends, _ = self._leaving(entity)
        numbers: Ints = links * self.entities + ends
        return numbers

    def scores(self, rules: list[Rule], heads: Ints, tails: Ints) -> Reals:
        """How much the rules say for each pair, ``(heads, tails)``: the sum of ``-log(1 - confidence)`` of those that connect it."""
        found = np.zeros((len(heads), len(tails)))
        column = np.full(self.entities, -1)
        column[tails] = np.arange(len(tails))
        for rule in rules:
            reached = self._reached(rule.chain, heads)
            row = np.repeat(np.arange(len(heads)), np.diff(reached.indptr))
            place = column[reached.indices]
            inside = place >= 0
            found[row[inside], place[inside]] -= np.log1p(-min(rule.confidence, 0.99))
        return found

    def _judged(self, relation: int, facts: Ints, chain: tuple[int, ...], seed: int) -> Rule | None:
        """The chain as a rule, by some heads; nothing for one that only says the relation again, or connects too much."""
        heads = np.sort(np.random.default_rng((seed, relation)).permutation(np.unique(facts[:, 0]))[:HEADS])
        if chain == (relation,) or self._wide(chain, heads) > _WIDE:
            return None
        reached = self._reached(chain, heads)
        true = int((reached > 0).multiply(self._links(relation)[heads] > 0).sum())
        return Rule(relation, chain, true / (reached.nnz + DOUBT), true, int(reached.nnz))

    def _wide(self, chain: tuple[int, ...], heads: Ints) -> int:
        """How many ways the chain leads from the heads, at most."""
        first = self._links(chain[0])[heads]
        return int(np.diff(self._links(chain[1]).indptr)[first.indices].sum()) if len(chain) > 1 else int(first.nnz)

    def _reached(self, chain: tuple[int, ...], heads: Ints) -> sparse.csr_matrix:
        """Whom each head reaches by the chain, not counting itself: ``(heads, entities)``, a number above 0 where it does."""
        found = self._links(chain[0])[heads]
        for link in chain[1:]:
            found = found @ self._links(link)
        found = found.tocsr()
        row = np.repeat(np.arange(len(heads)), np.diff(found.indptr))
        found.data[found.indices == heads[row]] = 0
        found.eliminate_zeros()
        return found

    def _links(self, link: int) -> sparse.csr_matrix:
        if link not in self._matrices:
            from scipy import sparse

            head, relation, tail = self.triples.T
            of = relation == link % self.relations
            ends = (head[of], tail[of]) if link < self.relations else (tail[of], head[of])
            self._matrices[link] = sparse.csr_matrix((np.ones(int(of.sum())), ends), shape=(self.entities, self.entities))
        return self._matrices[link]

    @cached_property
    def _found(self) -> dict[tuple[int, int], list[Rule]]:
        return {}

    @cached_property
    def _matrices(self) -> dict[int, sparse.csr_matrix]:
        return {}

    @cached_property
    def _outward(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Where each entity's links begin; their relation, end and row, entity by entity."""
        head, relation, tail = self.triples.T
        starts, ends = np.concatenate([head, tail]), np.concatenate([tail, head])
        order = np.argsort(starts, kind="stable")
        links = np.concatenate([relation, relation + self.relations])[order]
        rows = np.tile(np.arange(len(head)), 2)[order]
        return np.searchsorted(starts[order], np.arange(self.entities + 1)), links, ends[order], rows

    def _leaving(self, entity: int) -> tuple[Ints, Ints, Ints]:
        begins, links, ends, rows = self._outward
        own = slice(begins[entity], begins[entity + 1])
        return links[own], ends[own], rows[own]
