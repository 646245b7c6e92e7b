"""DiffKG: a diffusion model learns what an entity's facts usually are, and a graph without the unusual ones is set beside the whole one.

Jiang et al., 2024. An entity's row says which entities it is linked to. Noise is added to rows and a network learns to take it away
again; so that what it keeps is what recommendation needs, the items that it links an item to must lead to the users who took that item.
In every epoch the rows are cleaned and each entity keeps those of its edges that the network believes most. Users and items of both
graphs are then pulled together (InfoNCE) while the whole graph learns to recommend.

Unlike the public code: the cleaned graph is what the second view is made of, rows are made batch by batch and never all at once,
relations between the same entities stay apart, and what the network would add is told beside what it takes away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, normalize

from reasoning.recommend.interactions import Interactions
from reasoning.recommend.models.factors import bpr
from reasoning.recommend.models.kgat import KGAT
from reasoning.recommend.reading import Facts

STEPS = 5
LEAST, MOST = 0.1 * 1e-4, 0.1 * 0.02
"""The share of noise after the first step, and after the last."""
CLOCK = 10
"""Numbers that tell the denoiser which step it is at."""
ROWS = 512
"""Rows that are learned from, or cleaned, at once."""
PROPOSED = 1_000
"""Links that would be added, at most: those believed most."""


@dataclass(frozen=True, slots=True)
class Diffusing:
    """``hidden`` numbers of the denoiser; ``kept``: the share of an entity's edges that stay, each then with the chance ``chance``.

    ``lam`` weighs what recommendation needs in the denoiser's loss, ``ssl`` how far both graphs must agree, at this ``temperature``.
    """

    hidden: int = 200
    rate: float = 1e-3
    kept: float = 0.5
    chance: float = 0.8
    lam: float = 0.1
    ssl: float = 0.1
    temperature: float = 0.2


class Diffusion(nn.Module):
    """Gaussian noise on rows, in steps 0 … ``STEPS`` - 1."""

    signal: Tensor
    """What is left of a row's variance after each step, ``(steps,)``."""

    def __init__(self) -> None:
        super().__init__()
        kept = 1.0 - torch.linspace(LEAST, MOST, STEPS, dtype=torch.float64)
        self.register_buffer("signal", kept, persistent=False)

    def noised(self, rows: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """``(batch, width), (batch,), (batch, width)``: the row after so many steps."""
        signal = self.signal[step][:, None].to(rows)
        return signal.sqrt() * rows + (1 - signal).sqrt() * noise

    def weight(self, step: Tensor) -> Tensor:
        """How much the error of a step counts: by how much it lowers signal over noise; the first step counts 1."""
        ratio = self.signal / (1 - self.signal)
        return torch.where(step == 0, torch.ones_like(ratio[step]), ratio[(step - 1).clamp(min=0)] - ratio[step])

    def back(self, guess: Tensor, rows: Tensor, step: int) -> Tensor:
        """The mean of the row one step earlier, from a ``guess`` of the clean row and the row at ``step``; at 0 the guess itself."""
        now = self.signal[step]
        before = self.signal[step - 1] if step else torch.ones_like(now)
        once = now / before
        of_guess, of_row = before.sqrt() * (1 - once) / (1 - now), once.sqrt() * (1 - before) / (1 - now)
        return of_guess.to(rows) * guess + of_row.to(rows) * rows


class Denoiser(nn.Module):
    """From a noised row and its step to the clean row."""

    def __init__(self, width: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.clock = nn.Linear(CLOCK, CLOCK)
        self.inward, self.outward = nn.Linear(width + CLOCK, hidden), nn.Linear(hidden, width)
        for part in (self.clock, self.inward, self.outward):
            nn.init.normal_(part.weight, std=(2.0 / sum(part.weight.shape)) ** 0.5, generator=generator)
            nn.init.normal_(part.bias, std=1e-3, generator=generator)

    def forward(self, rows: Tensor, step: Tensor) -> Tensor:
        """``(batch, width), (batch,) -> (batch, width)``."""
        pace = torch.exp(-torch.arange(CLOCK // 2, device=rows.device) * (torch.log(torch.tensor(10_000.0)).item() / (CLOCK // 2)))
        angle = step[:, None] * pace
        told = self.clock(torch.cat([angle.cos(), angle.sin()], dim=1).to(rows))
        made: Tensor = self.outward(torch.tanh(self.inward(torch.cat([dropout(normalize(rows, dim=1), 0.5, self.training), told], dim=1))))
        return made


class DiffKG(KGAT):
    """``clean`` holds the places of the edges that stay in this epoch."""

    def __init__(self, known: Interactions, facts: Facts, dim: int, generator: torch.Generator, diffusing: Diffusing | None = None) -> None:
        super().__init__(known, facts, dim, generator)
        self.diffusing = diffusing or Diffusing()
        self.diffusion, self.denoiser = Diffusion(), Denoiser(facts.entities, self.diffusing.hidden, generator)
        self.chances = torch.Generator().manual_seed(int(torch.randint(1 << 31, (1,), generator=generator)))
        self._optimiser = torch.optim.Adam(self.denoiser.parameters(), lr=self.diffusing.rate)
        order = torch.argsort(self.edges.head, stable=True)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("begins", torch.searchsorted(self.edges.head[order], torch.arange(facts.entities + 1)), persistent=False)
        self.clean = torch.arange(len(self.edges.head))
        self.believed = torch.zeros(len(self.edges.head))
        """Of each edge, by the last cleaning."""

    order: Tensor
    begins: Tensor

    # -- learning what facts usually are -----------------------------------------------------------

    def epoch_begins(self, epoch: int) -> None:
        """Learn from all rows once, and clean the graph anew."""
        del epoch
        self.denoiser.train()
        linked = torch.nonzero(self.begins[1:] > self.begins[:-1])[:, 0]
        with torch.no_grad():
            users, items = self.user.detach(), self.item.detach()
            liked = self.links(torch.cat([users, torch.zeros_like(items)]))[len(users) :]
        for some in torch.split(linked[torch.randperm(len(linked), generator=self.chances).to(linked.device)], ROWS):
            self._optimiser.zero_grad(set_to_none=True)
            self.denoising_loss(some, liked, items).backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
        self.denoiser.eval()
        self._clean(linked)

    def rows(self, entities: Tensor) -> Tensor:
        """Which entities each of these is linked to, ``(batch, entities)``."""
        made = torch.zeros(len(entities), len(self.entity), device=entities.device)
        row, place = self._edges_of(entities)
        made[row, self.edges.tail[place]] = 1.0
        return made

    def _edges_of(self, entities: Tensor) -> tuple[Tensor, Tensor]:
        """The edges of some entities: the entity's place among them, and the edge's among all."""
        begins, counts = self.begins[entities], self.begins[entities + 1] - self.begins[entities]
        row = torch.repeat_interleave(torch.arange(len(entities), device=entities.device), counts)
        within = torch.arange(len(row), device=entities.device) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        return row, self.order[torch.repeat_interleave(begins, counts) + within]

    def denoising_loss(self, entities: Tensor, liked: Tensor, items: Tensor) -> Tensor:
        """Of some rows; ``liked`` ``(items, dim)`` is what the users who took an item are like, ``items`` what it is like itself."""
        rows = self.rows(entities)
        step = torch.randint(STEPS, (len(rows),), generator=self.chances).to(rows.device)
        noise = torch.randn(rows.shape, generator=self.chances).to(rows.device)
        guess = self.denoiser(self.diffusion.noised(rows, step, noise), step)
        loss = (self.diffusion.weight(step).to(rows) * (rows - guess).square().mean(dim=1)).mean()
        if not self.diffusing.lam:
            return cast("Tensor", loss)
        entity_of = self.of_item[self.of_item >= 0]
        item_of = torch.full_like(self.entity[:, 0], -1, dtype=torch.long).scatter(0, entity_of, torch.nonzero(self.of_item >= 0)[:, 0])
        asked = item_of[entities]
        of_users = guess[asked >= 0][:, entity_of] @ liked[self.of_item >= 0]
        needed = (of_users - items[asked[asked >= 0]]).square().mean() if bool((asked >= 0).any()) else loss.new_zeros(())
        return cast("Tensor", (1 - self.diffusing.lam) * loss + self.diffusing.lam * needed)

    # -- cleaning ----------------------------------------------------------------------------------

    @torch.no_grad()
    def _clean(self, linked: Tensor) -> None:
        """Believe each edge as the cleaned row of its head says, and keep of each head's edges those believed most, most of the time."""
        believed = torch.zeros(len(self.edges.head), device=linked.device)
        for some in torch.split(linked, ROWS):
            row, place = self._edges_of(some)
            believed[place] = self.cleaned(some)[row, self.edges.tail[place]]
        self.believed = believed
        staying = self.staying()
        drawn = torch.rand(len(staying), generator=self.chances).to(staying.device) < self.diffusing.chance
        self.clean = staying[drawn]

    def cleaned(self, entities: Tensor) -> Tensor:
        """Rows with the unusual taken out, step by step, ``(batch, entities)``."""
        rows = self.rows(entities)
        for step in reversed(range(STEPS)):
            rows = self.diffusion.back(self.denoiser(rows, torch.full((len(rows),), step, device=rows.device)), rows, step)
        return rows

    def staying(self) -> Tensor:
        """The edges that each head keeps: the ``kept`` share that is believed most, at least one."""
        head = self.edges.head[self.order]
        by_belief = self.order[torch.argsort(self.believed[self.order], descending=True, stable=True)]
        by_belief = by_belief[torch.argsort(self.edges.head[by_belief], stable=True)]
        rank = torch.arange(len(head), device=head.device) - self.begins[head]
        counts = self.begins[head + 1] - self.begins[head]
        return by_belief[rank < (self.diffusing.kept * counts).ceil()]

    def pruned(self) -> Tensor:
        """The places of the facts, as they were given, that stay in neither direction."""
        facts = len(self.edges.head) // 2
        stays = torch.zeros(facts, dtype=torch.bool, device=self.order.device)
        stays[self.staying() % facts] = True
        return torch.nonzero(~stays)[:, 0]

    @torch.no_grad()
    def proposed(self, most: int = PROPOSED) -> tuple[Tensor, Tensor]:
        """Pairs of entities without a fact that cleaned rows say have one, ``(n, 2)``, the most believed first, and how far ``(n,)``."""
        linked = torch.nonzero(self.begins[1:] > self.begins[:-1])[:, 0]
        pairs, values = [], []
        for some in torch.split(linked, ROWS):
            rows = self.cleaned(some).masked_fill(self.rows(some) > 0, -torch.inf)
            rows[torch.arange(len(some), device=rows.device), some] = -torch.inf
            value, tail = rows.max(dim=1)
            pairs.append(torch.stack([some, tail], dim=1))
            values.append(value)
        found, best = torch.cat(pairs), torch.cat(values)
        order = torch.argsort(best, descending=True, stable=True)[:most]
        return found[order], best[order]

    # -- learning to recommend ---------------------------------------------------------------------

    def loss(self, users: Tensor, taken: Tensor, others: Tensor, reg: float) -> Tensor:
        if not self.diffusing.ssl:
            return super().loss(users, taken, others, reg)
        whole, clean = self.vectors(), self.spread(self.user, self.described(self.clean.to(users.device)))
        fit = bpr(whole[0][users], whole[1][taken], whole[1][others]) + reg * self.weight(users, taken, others)
        agreed = agreement(whole[0], clean[0], users, self.diffusing.temperature)
        agreed = agreed + agreement(whole[1], clean[1], taken, self.diffusing.temperature)
        return fit + self.diffusing.ssl * agreed


def agreement(one: Tensor, other: Tensor, which: Tensor, temperature: float) -> Tensor:
    """InfoNCE: how surely each of these, each once, is told from the rest of them by its vector of the other view."""
    some = torch.unique(which)
    first, second = normalize(one[some], dim=1), normalize(other[some], dim=1)
    scores = first @ second.T / temperature
    return (scores.logsumexp(dim=1) - scores.diagonal()).mean()
