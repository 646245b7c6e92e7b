"""DiffKG as it is meant: the cleaned graph counts, its parts can be taken out, and what is unusual goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Interactions
from reasoning.recommend.reading import Facts
from reasoning.recommend.splitting import parted
from tests.unit.test_recommend import tastes

pytest.importorskip("torch")

import torch
from torch import Tensor

from reasoning.recommend.models.diffkg import STEPS, DiffKG, Diffusing, Diffusion, _squared, agreement
from reasoning.recommend.models.kgat import KGAT
from reasoning.recommend.models.registry import make
from reasoning.recommend.training import Settings, train

ITEMS, TASTES = 40, 4


def graph(false: int = 0, seed: int = 0) -> Facts:
    """Every item has the maker and the genre of its taste; ``false`` ones of another genre. Items are entities, backwards."""
    makers, genres = ITEMS + np.arange(TASTES), ITEMS + TASTES + np.arange(TASTES)
    entity, taste = ITEMS - 1 - np.arange(ITEMS), np.arange(ITEMS) % TASTES
    told = [np.stack([entity, np.full(ITEMS, relation), ends[taste]], axis=1) for relation, ends in enumerate((makers, genres))]
    told.append(np.stack([entity, np.full(ITEMS, 2), makers[taste]], axis=1))  # a second relation to the maker
    draw = np.random.default_rng(seed)
    wrong = draw.permutation(ITEMS)[:false]
    told.append(np.stack([entity[wrong], np.ones(false, np.int64), genres[(taste[wrong] + 1) % TASTES]], axis=1))
    return Facts(np.concatenate(told).astype(np.int64), ITEMS + 2 * TASTES, ("made by", "of genre", "owned by"), entity)


def model(facts: Facts | None = None, known: Interactions | None = None, **given: float) -> DiffKG:
    settings = replace(Diffusing(hidden=16), **given)  # type: ignore[arg-type]
    return DiffKG(known or tastes(), facts or graph(), 8, torch.Generator().manual_seed(0), settings).eval()


def batch() -> tuple[Tensor, Tensor, Tensor]:
    known = tastes()
    user, item = torch.from_numpy(known.pairs[:50].T.copy())
    return user, item, (item + 1) % ITEMS


def slopes(one: DiffKG) -> dict[str, Tensor]:
    one.zero_grad()
    one.loss(*batch(), 1e-4).backward()  # type: ignore[no-untyped-call]
    return {name: value.grad.clone() for name, value in one.named_parameters() if value.grad is not None}


def test_another_cleaned_graph_gives_another_loss_and_other_slopes() -> None:
    """In the public code the cleaned graph never came to where it is used."""
    one = model()
    one.clean = torch.arange(0, len(one.edges.head), 2)
    first, of_first = one.loss(*batch(), 1e-4).item(), slopes(one)
    one.clean = torch.arange(1, len(one.edges.head), 2)
    assert one.loss(*batch(), 1e-4).item() != first
    assert any(not torch.equal(of_first[name], slope) for name, slope in slopes(one).items())


def test_without_agreement_it_is_the_model_without_diffusion() -> None:
    known, facts = tastes(), graph()
    plain = KGAT(known, facts, 8, torch.Generator().manual_seed(0)).eval()
    assert torch.equal(model(ssl=0.0).loss(*batch(), 1e-4), plain.loss(*batch(), 1e-4))


def test_without_what_recommendation_needs_the_denoiser_learns_rows_alone() -> None:
    one, some = model(lam=0.0), torch.arange(10)
    liked, items = torch.randn(ITEMS, 8), torch.randn(ITEMS, 8)
    state = one.chances.get_state()
    first = one.denoising_loss(some, liked, items)
    one.chances.set_state(state)
    assert torch.equal(one.denoising_loss(some, 2 * liked, items + 1), first)
    needing = model(lam=0.5)
    state = needing.chances.get_state()
    first = needing.denoising_loss(some, liked, items)
    needing.chances.set_state(state)
    assert not torch.equal(needing.denoising_loss(some, 2 * liked, items + 1), first)


def test_whoever_guesses_the_row_gets_it_back() -> None:
    """At step 0 the mean of the row before is the guess; from noise on, with right guesses, the clean row comes out."""
    diffusion, rows = Diffusion(), torch.randint(2, (5, 9)).double()
    noise = torch.randn(5, 9, dtype=torch.float64)
    torch.testing.assert_close(diffusion.back(rows, noise, 0), rows)
    walked = diffusion.noised(rows, torch.full((5,), STEPS - 1), noise)
    assert not torch.allclose(walked, rows, atol=1e-3)
    for step in reversed(range(STEPS)):
        walked = diffusion.back(rows, walked, step)
    torch.testing.assert_close(walked, rows)


def test_noise_is_what_the_schedule_says() -> None:
    diffusion, rows = Diffusion(), torch.zeros(1, 200_000, dtype=torch.float64)
    for step, share in ((0, 0.1 * 1e-4), (STEPS - 1, 0.1 * 0.02)):
        noised = diffusion.noised(rows, torch.tensor([step]), torch.randn(rows.shape, dtype=torch.float64))
        assert noised.var().item() == pytest.approx(share, rel=0.05)


def test_rows_are_the_graphs_and_parallel_relations_stay_apart() -> None:
    one, facts = model(), graph()
    dense = np.zeros((facts.entities, facts.entities), np.float32)
    dense[facts.triples[:, 0], facts.triples[:, 2]] = dense[facts.triples[:, 2], facts.triples[:, 0]] = 1
    np.testing.assert_array_equal(one.rows(torch.arange(facts.entities)).numpy(), dense)
    assert len(one.edges.head) == 2 * len(facts.triples) > dense.sum()


def test_attention_shares_one_among_the_facts_of_a_head() -> None:
    one = model()
    edges = one.edges
    share = one.attention(one.entity, edges.head, edges.relation, edges.tail)
    sums = torch.zeros(len(one.entity)).index_add(0, edges.head, share)
    torch.testing.assert_close(sums[edges.head], torch.ones(len(edges.head)))
    place = 7
    head, relation, tail = int(edges.head[place]), int(edges.relation[place]), int(edges.tail[place])
    fits = {}
    for other in torch.nonzero(edges.head == head)[:, 0].tolist():
        both = one.entity[head] @ one.matched[0] + one.entity[edges.tail[other]] @ one.matched[1]
        fits[other] = torch.nn.functional.leaky_relu((both * one.relation[edges.relation[other]]).sum(), 0.2).exp()
    torch.testing.assert_close(share[place], fits[place] / torch.stack(list(fits.values())).sum())
    assert (relation, tail) == (int(edges.relation[place]), int(edges.tail[place]))


def plainly(one: KGAT, which: Tensor) -> Tensor:
    """All layers for all entities, edge by edge."""
    edges = one.edges
    vectors: Tensor = one.entity
    head, relation, tail = edges.head[which], edges.relation[which], edges.tail[which]
    for _ in range(2):
        ends = vectors @ one.matched[0], vectors @ one.matched[1]
        fit = torch.nn.functional.leaky_relu(((ends[0][head] + ends[1][tail]) * one.relation[relation]).sum(dim=1), 0.2).exp()
        share = fit / torch.zeros(len(vectors)).index_add(0, head, fit)[head]
        taken = torch.zeros_like(vectors).index_add(0, head, share[:, None] * vectors[tail])
        vectors = one.entity + torch.nn.functional.normalize(vectors + taken, dim=1)
    return one.item + vectors[one.of_item]


@pytest.mark.parametrize("dim", [2, 8])  # a vector for every edge, and a number for every entity and relation
def test_the_products_are_those_of_plain_attention_and_so_are_their_slopes(dim: int) -> None:
    one = DiffKG(tastes(), graph(), dim, torch.Generator().manual_seed(0)).eval()
    for which in (torch.arange(len(one.edges.head)), torch.arange(3, len(one.edges.head), 2)):
        ours, weight = one.described(which), torch.randn(ITEMS, dim)
        torch.testing.assert_close(ours, plainly(one, which), atol=1e-5, rtol=1e-4)
        told = (one.entity, one.relation, one.matched)
        slopes = (torch.autograd.grad((made * weight).sum(), told) for made in (ours, plainly(one, which)))
        for fast, plain in zip(*slopes, strict=True):
            torch.testing.assert_close(fast, plain, atol=1e-5, rtol=1e-4)


def test_rows_that_are_never_made_are_cleaned_like_rows() -> None:
    one, some = model(), torch.arange(ITEMS + 2 * TASTES)
    with torch.no_grad():
        rows = one.rows(some)
        for step in reversed(range(STEPS)):
            rows = one.diffusion.back(one.denoiser(rows, torch.full((len(rows),), step)), rows, step)
        torch.testing.assert_close(one.cleaned(some), rows, atol=1e-5, rtol=1e-4)


def test_the_slope_of_a_square_is_that_of_a_plain_product() -> None:
    matrix, weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True), torch.randn(4, 4, dtype=torch.float64)
    slopes = (torch.autograd.grad((made * weight).sum(), matrix)[0] for made in (_squared(matrix), matrix.T @ matrix))
    torch.testing.assert_close(*slopes)


def test_noise_that_is_never_made_costs_as_much_as_noise() -> None:
    """The loss of drawn rows and of rows that are not made is the same on average, also where noise counts much."""
    one, some = model(lam=0.0), torch.arange(ITEMS).repeat(100)
    one.diffusion.signal[:] = torch.linspace(0.99, 0.5, STEPS)
    one.denoiser.inward.data.mul_(10)
    one.denoiser.outward.data.mul_(5)
    one.denoiser.train()
    ours, plain = [], []
    nothing = torch.zeros(ITEMS, 8)
    with torch.no_grad():
        for _ in range(50):
            ours.append(one.denoising_loss(some, nothing, nothing).item())
            rows, step = one.rows(some), torch.randint(STEPS, (len(some),))
            guess = one.denoiser(one.diffusion.noised(rows, step, torch.randn(rows.shape)), step)
            plain.append((one.diffusion.weight(step).to(rows) * (rows - guess).square().mean(dim=1)).mean().item())
    apart = (np.var(ours) / 50 + np.var(plain) / 50) ** 0.5
    assert abs(np.mean(ours) - np.mean(plain)) < max(4 * apart, 0.01 * np.mean(plain))


def test_every_head_keeps_its_share_of_edges() -> None:
    one = model(kept=0.5)
    one.believed = torch.rand(len(one.edges.head))
    staying = one.staying()
    for head in range(len(one.entity)):
        own = torch.nonzero(one.edges.head == head)[:, 0]
        kept = staying[one.edges.head[staying] == head]
        assert len(kept) == -(-len(own) // 2)
        gone = own[~torch.isin(own, kept)]
        assert not len(gone) or one.believed[gone].max() <= one.believed[kept].min()


def test_agreement_is_infonce() -> None:
    one, other = torch.randn(6, 4), torch.randn(6, 4)
    some = torch.tensor([4, 1, 1, 5])
    a, b = (torch.nn.functional.normalize(x[[1, 4, 5]], dim=1) for x in (one, other))
    scores = (a @ b.T / 0.5).exp()
    torch.testing.assert_close(agreement(one, other, some, 0.5), -(scores.diagonal() / scores.sum(dim=1)).log().mean())


def test_what_is_pruned_stays_in_neither_direction_and_what_is_proposed_is_no_fact() -> None:
    facts, one = graph(false=8), model(graph(false=8), kept=0.4, lam=0.0)
    one.epoch_begins(1)
    stays = set((one.staying() % len(facts.triples)).tolist())
    assert stays
    assert set(one.pruned().tolist()) == set(range(len(facts.triples))) - stays != set()
    assert set(one.clean.tolist()) < set(one.staying().tolist())
    pairs, belief = one.proposed(20)
    assert len(pairs) == 20
    assert (belief[1:] <= belief[:-1]).all()
    there = {pair for head, _, tail in facts.triples.tolist() for pair in ((head, tail), (tail, head), (head, head))}
    assert not {(head, tail) for head, tail in pairs.tolist()} & there


def test_the_graph_helps_where_users_took_little() -> None:
    parts = parted(tastes(80, ITEMS, seed=3), valid=0.3, test=0.55)
    settings = Settings(dim=16, epochs=16, batch=128, rate=0.03)
    ndcg = {name: max(train(parts, replace(settings, model=name), graph()).history) for name in ("lightgcn", "kgat", "diffkg")}
    assert ndcg["kgat"] > ndcg["lightgcn"]
    assert ndcg["diffkg"] > ndcg["lightgcn"]


@pytest.mark.parametrize("name", ["kgat", "diffkg"])
def test_without_a_graph_it_says_so(name: str) -> None:
    with pytest.raises(BadRequest, match="there is none beside the interactions"):
        make(name, tastes(), None, 8, torch.Generator())
    with pytest.raises(BadRequest, match="no item is an entity of it"):
        make(name, tastes(), replace(graph(), of_item=np.full(ITEMS, -1)), 8, torch.Generator())


def test_the_same_seed_gives_the_same_model() -> None:
    parts = parted(tastes())
    first, again = (train(parts, Settings(model="diffkg", dim=8, epochs=2, batch=64), graph()).model for _ in range(2))
    assert torch.equal(first.score(torch.arange(60)), again.score(torch.arange(60)))
