"""DiffKG: a diffusion model learns what an entity's facts usually are, and a graph without the unusual ones is set beside the whole one.

Jiang et al., 2024. An entity's row says which entities it is linked to. Noise is added to rows and a network learns to take it away
again; so that what it keeps is what recommendation needs, the items that it links an item to must lead to the users who took that item.
In every epoch the rows are cleaned and each entity keeps those of its edges that the network believes most. Users and items of both
graphs are then pulled together (InfoNCE) while the whole graph learns to recommend.

Unlike the public code: the cleaned graph is what the second view is made of, no row is ever made (a row is links, noise, or what a few
hidden numbers make, and their products are known without it, so that time and memory grow with links and entities, not their square),
relations between the same entities stay apart, and what the network would add is told beside what it takes away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import dropout, embedding, embedding_bag, normalize
from torch.optim import Optimizer

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Interactions
from reasoning.recommend.models.factors import bpr
from reasoning.recommend.models.kgat import KGAT
from reasoning.recommend.reading import Facts

STEPS = 5
LEAST, MOST = 0.1 * 1e-4, 0.1 * 0.02
"""The share of noise after the first step, and after the last."""
CLOCK = 10
"""Numbers that tell the denoiser which step it is at."""
DROPPED = 0.5
"""The share of a row's numbers that the denoiser does not see while it learns."""
ROWS, TURNS = 4_096, 8
"""Rows that are learned from, or cleaned, at once, at least, and steps that go through all of a larger graph: as a step costs what the
matrices do, more steps for more entities would cost their square."""
CELLS = 1 << 25
"""Numbers of whole rows that are held at once, where links are proposed."""
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
    ssl: float = 0.01
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
        of_guess, of_row = self.shares(step)
        return of_guess * guess + of_row * rows

    def shares(self, step: int) -> tuple[float, float]:
        """How much guess and row count in that mean."""
        now = self.signal[step]
        before = self.signal[step - 1] if step else torch.ones_like(now)
        once = now / before
        of_guess, of_row = before.sqrt() * (1 - once) / (1 - now), once.sqrt() * (1 - before) / (1 - now)
        return float(of_guess), float(of_row)


class Denoiser(nn.Module):
    """From a noised row and its step to the clean row, by way of ``hidden`` numbers."""

    def __init__(self, width: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.clock, self.timed = nn.Linear(CLOCK, CLOCK), nn.Linear(CLOCK, hidden)
        self.inward, self.outward = nn.Parameter(torch.empty(width, hidden)), nn.Parameter(torch.empty(width, hidden))
        self.bias = nn.Parameter(torch.empty(width))
        fans = (CLOCK + CLOCK, width + CLOCK + hidden, width + CLOCK + hidden, width + hidden)
        for part, fan in zip((self.clock.weight, self.timed.weight, self.inward, self.outward), fans, strict=True):
            nn.init.normal_(part, std=(2.0 / fan) ** 0.5, generator=generator)
        for part in (self.clock.bias, self.timed.bias, self.bias):
            nn.init.normal_(part, std=1e-3, generator=generator)

    def told(self, step: Tensor) -> Tensor:
        """What the time adds to the hidden numbers, ``(batch,) -> (batch, hidden)``."""
        pace = torch.exp(-torch.arange(CLOCK // 2, device=step.device) * (math.log(10_000.0) / (CLOCK // 2)))
        angle = step[:, None] * pace
        made: Tensor = self.timed(self.clock(torch.cat([angle.cos(), angle.sin()], dim=1).to(self.bias)))
        return made

    def forward(self, rows: Tensor, step: Tensor) -> Tensor:
        """``(batch, width), (batch,) -> (batch, width)``: what ``DiffKG`` comes to without ever making a row."""
        hidden = torch.tanh(dropout(normalize(rows, dim=1), DROPPED, self.training) @ self.inward + self.told(step))
        return hidden @ self.outward.T + self.bias


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some entities' rows, never made: which entities each is linked to, ``tail`` ``(links,)`` from ``begins`` ``(batch,)`` on."""

    tail: Tensor
    begins: Tensor
    counts: Tensor
    """``(batch,)``, with a fraction."""

    def times(self, matrix: Tensor, share: Tensor | None = None) -> Tensor:
        """The product with ``(entities, n)``, where every link counts 1, or its ``share``: ``(batch, n)``."""
        return embedding_bag(self.tail, matrix, self.begins, mode="sum", per_sample_weights=share)


class DiffKG(KGAT):
    """``clean`` holds the places of the edges that stay in this epoch."""

    def __init__(self, known: Interactions, facts: Facts, dim: int, generator: torch.Generator, diffusing: Diffusing | None = None) -> None:
        super().__init__(known, facts, dim, generator)
        self.diffusing = diffusing or Diffusing()
        self.diffusion, self.denoiser = Diffusion(), Denoiser(facts.entities, self.diffusing.hidden, generator)
        self.seed = int(torch.randint(1 << 31, (1,), generator=generator))
        self.chances = torch.Generator().manual_seed(self.seed)
        self.optimiser = torch.optim.Adam(self.denoiser.parameters(), lr=self.diffusing.rate, fused=True)
        linked = torch.unique(self.edges.head * facts.entities + self.edges.tail)
        self.register_buffer("linked_tail", linked % facts.entities, persistent=False)
        bounds = torch.arange(facts.entities + 1) * facts.entities
        self.register_buffer("linked_begins", torch.searchsorted(linked, bounds), persistent=False)
        items = torch.nonzero(self.of_item >= 0)[:, 0]
        self.register_buffer("linked_items", items, persistent=False)
        item_of = torch.full((facts.entities,), -1).scatter(0, self.of_item[items], items)
        self.register_buffer("item_of", item_of, persistent=False)
        self.clean = torch.arange(len(self.edges.head))
        self.register_buffer("believed", torch.zeros(len(self.edges.head)))
        self.few = max(ROWS, -(-facts.entities // TURNS))

    linked_tail: Tensor
    linked_begins: Tensor
    linked_items: Tensor
    """The items that are entities."""
    item_of: Tensor
    """Which item each entity is, or -1."""
    believed: Tensor
    """Of each edge, by the last cleaning."""

    def optimisers(self) -> tuple[Optimizer, ...]:
        return (self.optimiser,)

    def work_on_less(self) -> None:
        self.few = max(1, self.few // 2)

    # -- learning what facts usually are -----------------------------------------------------------

    def epoch_begins(self, epoch: int) -> None:
        """Learn from all rows once, and clean the graph anew."""
        self.chances.manual_seed(self.seed + epoch)
        self.denoiser.train()
        linked = torch.nonzero(self.linked_begins[1:] > self.linked_begins[:-1])[:, 0]
        with torch.no_grad():
            users, items = self.user.detach(), self.item.detach()
            liked = self.links(torch.cat([users, torch.zeros_like(items)]))[len(users) :]
        for some in torch.split(linked[torch.randperm(len(linked), generator=self.chances).to(linked.device)], self.few):
            self.optimiser.zero_grad(set_to_none=True)
            self.denoising_loss(some, liked, items).backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.denoiser.eval()
        self._clean()

    def links_of(self, entities: Tensor) -> Rows:
        """The rows of these entities."""
        begins, counts = self.linked_begins[entities], self.linked_begins[entities + 1] - self.linked_begins[entities]
        starts = counts.cumsum(0) - counts
        within = torch.arange(int(counts.sum()), device=entities.device) + torch.repeat_interleave(begins - starts, counts)
        return Rows(self.linked_tail[within], starts, counts.to(self.entity))

    def rows(self, entities: Tensor) -> Tensor:
        """Which entities each of these is linked to, ``(batch, entities)``."""
        rows = self.links_of(entities)
        made = torch.zeros(len(entities), len(self.entity), device=entities.device)
        made[torch.repeat_interleave(torch.arange(len(entities), device=entities.device), rows.counts.long()), rows.tail] = 1.0
        return made

    def denoising_loss(self, entities: Tensor, liked: Tensor, items: Tensor) -> Tensor:
        """Of some rows; ``liked`` ``(items, dim)`` is what the users who took an item are like, ``items`` what it is like itself.

        The squared error of a guess ``hidden · outward + bias`` comes from products of the matrices with themselves.
        """
        rows, net = self.links_of(entities), self.denoiser
        step = torch.randint(STEPS, (len(entities),), generator=self.chances).to(entities.device)
        hidden = self._hidden(rows, step)
        hit = (hidden * rows.times(net.outward)).sum(dim=1) + rows.times(net.bias[:, None])[:, 0]
        length = ((hidden @ _squared(net.outward)) * hidden).sum(dim=1) + 2 * hidden @ (net.bias @ net.outward) + net.bias.square().sum()
        error = (rows.counts - 2 * hit + length) / len(self.entity)
        loss: Tensor = (self.diffusion.weight(step).to(error) * error).mean()
        if not self.diffusing.lam:
            return loss
        entity_of, liked, asked = self.of_item[self.linked_items], liked[self.linked_items], self.item_of[entities]
        here = asked >= 0
        of_users = hidden[here] @ (embedding(entity_of, net.outward).T @ liked) + net.bias[entity_of] @ liked
        needed = (of_users - items[asked[here]]).square().mean() if bool(here.any()) else loss.new_zeros(())
        return (1 - self.diffusing.lam) * loss + self.diffusing.lam * needed

    def _hidden(self, rows: Rows, step: Tensor) -> Tensor:
        """What the denoiser makes of noised rows, half of whose numbers are dropped, ``(batch, hidden)``.

        Noise on so many numbers reaches the hidden ones as normal noise whose covariance is that of ``inward``, and a row's length as
        the sum of so many squares: these are drawn, and not the noise of every number.
        """
        net, width = self.denoiser, len(self.entity)
        signal = self.diffusion.signal[step].to(rows.counts)
        noise, stays = 1 - signal, 1 - DROPPED
        drawn = torch.randn(2, len(step), generator=self.chances).to(signal)
        kept = (torch.rand(len(rows.tail), generator=self.chances) < stays).to(signal) / stays
        square = signal * rows.counts + 2 * (signal * noise * rows.counts).sqrt() * drawn[0]
        square = square + noise * (drawn[0].square() + (width - 1) + (2 * (width - 1)) ** 0.5 * drawn[1])
        spread = _squared(net.inward)
        spread = torch.linalg.cholesky(spread + 1e-5 * spread.detach().diagonal().max() * torch.eye(len(spread), device=spread.device))
        strange = torch.randn(len(step), spread.shape[1], generator=self.chances).to(signal) @ spread.T
        inward = signal.sqrt()[:, None] * rows.times(net.inward, kept) + (noise / stays).sqrt()[:, None] * strange
        return torch.tanh(inward / square.clamp(min=LEAST).sqrt()[:, None] + net.told(step))

    # -- cleaning ----------------------------------------------------------------------------------

    @torch.no_grad()
    def _clean(self) -> None:
        """Believe each edge as the cleaned row of its head says, and keep of each head's edges those believed most, most of the time."""
        hidden = torch.cat(
            [self._cleaned(some) for some in torch.split(torch.arange(len(self.entity), device=self.entity.device), self.few)]
        )
        self.believed[self.whole.place] = self.whole.dots(hidden, self.denoiser.outward) + self.denoiser.bias[self.whole.tail]
        staying = self.staying()
        drawn = torch.rand(len(staying), generator=self.chances).to(staying.device) < self.diffusing.chance
        self.clean = staying[drawn]

    @torch.no_grad()
    def cleaned(self, entities: Tensor) -> Tensor:
        """Rows with the unusual taken out, step by step, ``(batch, entities)``."""
        return self._cleaned(entities) @ self.denoiser.outward.T + self.denoiser.bias

    def _cleaned(self, entities: Tensor) -> Tensor:
        """Rows without the unusual, as the hidden numbers that make them, ``(batch, hidden)``.

        A row on its way is ``start`` times the row as it was, and ``made · outward + shift · bias``.
        """
        net = self.denoiser
        across, within = net.outward.T @ net.inward, net.outward.T @ net.outward
        bias_in, bias_out, bias_length = net.bias @ net.inward, net.bias @ net.outward, net.bias.square().sum()
        found = []
        for some in torch.split(entities, self.few):
            rows = self.links_of(some)
            inward, outward, bias = rows.times(net.inward), rows.times(net.outward), rows.times(net.bias[:, None])[:, 0]
            start, shift, made = 1.0, 0.0, torch.zeros_like(inward)
            for step in reversed(range(STEPS)):
                square = start**2 * rows.counts + ((made @ within) * made).sum(dim=1) + shift**2 * bias_length
                square = square + 2 * (start * (made * outward).sum(dim=1) + start * shift * bias + shift * made @ bias_out)
                length = square.clamp(min=LEAST).sqrt()[:, None]
                told = net.told(torch.full((len(some),), step, device=some.device))
                hidden = torch.tanh((start * inward + made @ across + shift * bias_in) / length + told)
                of_guess, of_row = self.diffusion.shares(step)
                start, shift, made = of_row * start, of_row * shift + of_guess, of_row * made + of_guess * hidden
            found.append(made)  # by now the last guess itself
        return torch.cat(found)

    def staying(self) -> Tensor:
        """The edges that each head keeps: the ``kept`` share that is believed most, at least one."""
        begins, head = self.whole.begins, self.whole.row
        by_belief = self.whole.place[torch.argsort(self.standing()[self.whole.place], descending=True, stable=True)]
        by_belief = by_belief[torch.argsort(self.edges.head[by_belief], stable=True)]
        rank = torch.arange(len(head), device=head.device) - begins[head]
        counts = begins[head + 1] - begins[head]
        return by_belief[rank < (self.diffusing.kept * counts).ceil()]

    def standing(self) -> Tensor:
        """What an edge is kept for, ``(edges,)``: how far it is believed."""
        return self.believed

    def pruned(self) -> Tensor:
        """The places of the facts, as they were given, that stay in neither direction."""
        facts = len(self.edges.head) // 2
        stays = torch.zeros(facts, dtype=torch.bool, device=self.believed.device)
        stays[self.staying() % facts] = True
        return torch.nonzero(~stays)[:, 0]

    @torch.no_grad()
    def proposed(self, most: int = PROPOSED) -> tuple[Tensor, Tensor]:
        """Pairs of entities without a fact that cleaned rows say have one, ``(n, 2)``, the most believed first, and how far ``(n,)``."""
        linked = torch.nonzero(self.linked_begins[1:] > self.linked_begins[:-1])[:, 0]
        pairs, values = [], []
        for some in torch.split(linked, max(1, CELLS // len(self.entity))):
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


def _squared(matrix: Tensor) -> Tensor:
    """The product of the transpose with the matrix, ``(n, hidden) -> (hidden, hidden)``, whose slope is one product more."""
    found: Tensor = _Squared.apply(matrix)
    return found


class _Squared(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        ctx.save_for_backward(matrix)
        return matrix.T @ matrix

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        (matrix,) = ctx.saved_tensors
        return matrix @ (slopes[0] + slopes[0].T)  # type: ignore[no-any-return]


class Guided(DiffKG):
    """What stays is chosen by the graph's own confidence too.

    An edge stands by (the share of edges that are believed no more) · (its confidence / the highest confidence): where all facts are
    equally sure, that is the order of belief.
    """

    confidence: Tensor

    def __init__(self, known: Interactions, facts: Facts, dim: int, generator: torch.Generator, diffusing: Diffusing | None = None) -> None:
        super().__init__(known, facts, dim, generator, diffusing)
        if facts.confidence is None:
            raise BadRequest("diffkg-guided wants to know how sure each fact is, and nothing says so: take diffkg")
        sure = torch.from_numpy(facts.confidence / facts.confidence.max())
        self.register_buffer("confidence", torch.cat([sure, sure]), persistent=False)

    def standing(self) -> Tensor:
        ordered = self.believed.sort().values
        return torch.searchsorted(ordered, self.believed, right=True) * self.confidence


def agreement(one: Tensor, other: Tensor, which: Tensor, temperature: float) -> Tensor:
    """InfoNCE: how surely each of these, each once, is told from the rest of them by its vector of the other view."""
    some = torch.unique(which)
    first, second = normalize(one[some], dim=1), normalize(other[some], dim=1)
    scores = first @ second.T / temperature
    return (scores.logsumexp(dim=1) - scores.diagonal()).mean()
