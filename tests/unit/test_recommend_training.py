"""A training that is stopped goes on to the same bits, finds room, and of several recommenders the best is chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kgplatform.errors import BadFile, BadRequest, ModelError
from reasoning.recommend.reading import Facts
from reasoning.recommend.splitting import parted
from tests.commands import commands
from tests.unit.test_diffkg import graph
from tests.unit.test_recommend import tastes

pytest.importorskip("torch")

import torch

from reasoning.recommend import underway
from reasoning.recommend.models.diffkg import DiffKG, Guided
from reasoning.recommend.models.factors import Factors, LightGCN
from reasoning.recommend.training import Settings, Trained, choose, train

FEW = Settings(dim=8, epochs=6, batch=64, look=1, rate=0.02)


class Stopped(Exception):
    """What a person who stops a training brings about."""


def state(found: Trained) -> dict[str, torch.Tensor]:
    assert isinstance(found.model, Factors)
    return found.model.state_dict()


def same(one: Trained, other: Trained) -> bool:
    return all(torch.equal(value, state(other)[name]) for name, value in state(one).items()) and one.history == other.history


def stop_at(last: int) -> object:
    def progress(done: int, whole: int | None) -> None:
        if done == last:
            raise Stopped

    return progress


@pytest.mark.parametrize("model", ["lightgcn", "diffkg"])
def test_a_training_that_was_stopped_ends_like_one_that_was_not(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(underway, "SECONDS", 0.0)
    parts, settings, path = parted(tastes()), replace(FEW, model=model), tmp_path / "run"
    whole = train(parts, settings, graph())
    for last in (2, 5):
        with pytest.raises(Stopped):
            train(parts, settings, graph(), checkpoint=path, progress=stop_at(last))  # type: ignore[arg-type]
    epochs: list[int] = []
    again = train(parts, settings, graph(), checkpoint=path, heard=lambda epoch, _of, _ndcg: epochs.append(epoch))
    assert epochs == [6]
    assert same(whole, again)
    assert whole.epochs == again.epochs
    assert same(whole, train(parts, settings, graph(), checkpoint=path))  # it is over, and stays so
    for other in (replace(settings, rate=0.01), replace(settings, seed=1)):
        with pytest.raises(BadFile, match="belongs to another graph or other settings"):
            train(parts, other, graph(), checkpoint=path)
    with pytest.raises(BadFile, match="belongs to another graph or other settings"):
        train(parted(tastes(seed=1)), settings, graph(), checkpoint=path)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text("a diary")
    with pytest.raises(BadFile, match="cannot be read as a checkpoint"):
        train(parted(tastes()), FEW, checkpoint=path)


@pytest.mark.parametrize("model", ["lightgcn", "diffkg"])
@pytest.mark.parametrize("shortage", [MemoryError(), torch.OutOfMemoryError(), RuntimeError("[enforce fail] not enough memory")])
def test_what_does_not_fit_is_begun_again_smaller_and_said(model: str, shortage: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The epoch that did not fit leaves no trace: what comes out is what smaller steps from the start give."""
    parts, said, short = parted(tastes()), list[str](), True
    plain = (LightGCN if model == "lightgcn" else DiffKG).loss

    def loss(self: Factors, users: torch.Tensor, *given: object) -> torch.Tensor:
        nonlocal short
        if short and len(users) < 64:  # the last batch of the first epoch
            short = False
            raise shortage
        return plain(self, users, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(LightGCN if model == "lightgcn" else DiffKG, "loss", loss)
    found = train(parts, replace(FEW, model=model), graph(), said=said.append)
    assert said == ["epoch 1 did not fit into memory: it was begun again with 32 interactions at a time"]
    smaller = train(parts, replace(FEW, model=model, batch=32), graph())
    assert same(found, smaller)


def test_where_nothing_fits_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(*_given: object) -> torch.Tensor:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(LightGCN, "loss", loss)
    with pytest.raises(ModelError, match=r"epoch 1 does not fit into memory.*take a smaller dim, or another device"):
        train(parted(tastes()), FEW)


def test_the_best_of_several_is_chosen_and_each_ones_figure_told(tmp_path: Path) -> None:
    parts, tried, seen = parted(tastes()), list[str](), list[tuple[int, int | None]]()
    found = choose(
        parts, FEW, graph(), trying=tried.append, progress=lambda done, whole: seen.append((done, whole)), checkpoint=tmp_path / "auto"
    )
    assert tried == list(found.watched) == ["popularity", "itemknn", "lightgcn", "kgat", "diffkg"]
    assert found.watched[found.trained.settings.model] == max(found.watched.values())
    assert seen[-1] == (5 * 6, 5 * 6)
    assert seen == sorted(seen)
    for facts in (None, replace(graph(), of_item=np.full(40, -1))):
        assert list(choose(parts, FEW, facts).watched) == ["popularity", "itemknn", "lightgcn"]


def test_the_command_takes_the_best_and_says_by_what(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kg, known = commands(capsys), tastes()
    rows = "".join(f"{known.users[user]},{known.items[item]}\n" for user, item in known.pairs.tolist())
    (tmp_path / "taken.csv").write_text("user,item\n" + rows)
    (found,) = kg("evaluate", "recommend", str(tmp_path / "taken.csv"), "--model", "auto", "--epochs", "4", "--json").objects
    assert list(found["watched_ndcg"]) == ["popularity", "itemknn", "lightgcn"]
    assert found["watched_ndcg"][found["model"]] == max(found["watched_ndcg"].values())
    kg("evaluate", "recommend", str(tmp_path / "taken.csv"), "--model", "best").refused(2, "'best' is no recommender: there are")


# -- the graph's own confidence ----------------------------------------------------------------------


def guided(facts: Facts, kind: type[DiffKG] = Guided) -> DiffKG:
    return kind(tastes(), facts, 8, torch.Generator().manual_seed(0))


def test_equally_sure_facts_guide_nothing() -> None:
    facts = graph()
    one, plain = guided(replace(facts, confidence=np.full(len(facts.triples), 0.3))), guided(facts, DiffKG)
    for model in (one, plain):
        model.epoch_begins(1)
    assert torch.equal(one.believed, plain.believed)
    assert torch.equal(one.clean, plain.clean)
    parts, facts = parted(tastes()), replace(facts, confidence=np.ones(len(facts.triples)))
    assert same(*(train(parts, replace(FEW, epochs=2, model=name), facts) for name in ("diffkg", "diffkg-guided")))


def test_what_is_hardly_sure_goes_first() -> None:
    facts = graph(false=10)
    sure = np.ones(len(facts.triples))
    sure[-10:] = 0.01
    one = guided(replace(facts, confidence=sure))
    one.epoch_begins(1)
    false = torch.arange(len(sure) - 10, len(sure))
    at_items = (one.edges.head[one.staying()] < 40) & torch.isin(one.staying() % len(sure), false)
    assert not at_items.any()


def test_without_any_confidence_it_says_so() -> None:
    with pytest.raises(BadRequest, match="nothing says so: take diffkg"):
        guided(graph())
