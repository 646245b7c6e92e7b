"""Training goes on where it was killed, to the same numbers; what cannot go on says why."""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
from torch.nn.functional import embedding

from kgplatform.errors import BadFile, BadRequest, BadSetting, Cancelled, ModelError
from kgplatform.names import fact_key
from kgplatform.settings import processes
from kgplatform.types import Entity, EntityId, Fact, FactKey
from kgplatform.view import GraphView
from reasoning.models.base import Model
from reasoning.queries import Batch, queries
from reasoning.recipe import Recipe
from reasoning.train import Predictor, make, train
from reasoning.trained import load
from reasoning.training import checkpoint, run
from reasoning.training.run import Run

RECIPES = {
    "all": Recipe(8, 6, norm=0.02, batch=16, relation_weight=0.5),
    "some": Recipe(8, 6, batch=16, objective="some", negatives=8),
    "adam": Recipe(8, 6, batch=16, objective="some", negatives=8, optimiser="adam", rate=0.01, model="rotate"),
}

RESUMED = RECIPES | {
    "chance": Recipe(8, 6, batch=16, optimiser="adam", rate=0.01, model="conve"),
    "graph": Recipe(8, 6, batch=16, optimiser="adam", rate=0.01, model="compgcn"),
}
"""Also those that leave something to chance, and keep means of what they met."""


def graph(facts: int = 90, seed: int = 0) -> GraphView:
    draw = np.random.default_rng(seed)
    rows = {(int(h), int(r), int(t)) for h, r, t in draw.integers((15, 3, 15), size=(facts, 3))}

    def thing(number: int) -> Entity:
        return Entity(EntityId(f"e{number:02}"), f"e{number}")

    return GraphView.of(Fact(fact_key(f"r{r}", f"e{h:02}", f"e{t:02}"), thing(h), f"r{r}", thing(t), 1.0, 0.5 + h / 40) for h, r, t in rows)


def same(first: Predictor, second: Predictor) -> bool:
    one, other = first.model.state_dict(), second.model.state_dict()
    return first.history == second.history and all(torch.equal(one[name], other[name]) for name in one)


class Killed(Exception):
    pass


@pytest.mark.parametrize(
    ("told", "kept", "epochs"),
    [
        ([0.5, 0.6, 0.7, *[0.698, 0.7, 0.695, 0.699] * 5], 20, 20),  # it wavers: that is no reason to stop, nor to go back
        ([0.5, 0.6, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45], 3, 7),  # it falls behind for good
        ([0.5, 0.6, 0.7, 0.65, 0.6, 0.55, 0.71, *[0.6] * 13], 7, 11),  # it had only paused
    ],
)
def test_training_ends_when_the_watched_facts_fall_behind(told: list[float], kept: int, epochs: int) -> None:
    view, recipe = graph(), Recipe(dim=4, epochs=20, batch=40)
    model = make(recipe, view, torch.Generator().manual_seed(0))
    training, said = Run(model, recipe, queries(view.triples, len(view.relations)), "cpu"), iter(told)
    training.through(lambda _: next(said))
    assert (training.kept, training.epoch) == (kept, epochs)


@pytest.mark.parametrize("recipe", RESUMED.values(), ids=RESUMED)
@pytest.mark.parametrize("batches", [1, 7, 20])
def test_a_training_that_was_killed_goes_on_to_the_same_model(
    recipe: Recipe, batches: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, path, steps = graph(), tmp_path / "run.safetensors", 0
    held, shown = view.triples[:10], view.only(np.arange(10, len(view)))
    whole = train(shown, recipe, valid=held)
    step = Run._step

    def dying(self: Run, *given: object) -> None:
        nonlocal steps
        if (steps := steps + 1) > batches:
            raise Killed
        step(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "_step", dying)
    with pytest.raises(Killed):
        train(shown, recipe, valid=held, checkpoint=path, minutes=0)
    monkeypatch.setattr(Run, "_step", step)
    assert path.exists()
    assert same(train(shown, recipe, valid=held, checkpoint=path, minutes=0), whole)
    assert not path.exists()  # nothing is left of a training that is done


WORKER = """
import sys
from pathlib import Path
from typing import Any
sys.path.insert(0, {root!r})
from tests.unit.test_training import graph
from reasoning.recipe import Recipe
from reasoning.train import train
train(graph(), Recipe(8, 100_000, batch=16), checkpoint=Path(sys.argv[1]), minutes=0)
"""


def test_kill_minus_nine_leaves_a_checkpoint_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    root = Path(__file__).parents[2]
    worker = subprocess.Popen([sys.executable, "-c", WORKER.format(root=str(root)), str(path)], cwd=root)
    try:
        until = time.monotonic() + 120
        while not path.exists() and worker.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    recipe = Recipe(8, 100_000, batch=16)
    found = checkpoint.read(path, recipe.revision(graph()))
    assert found.told["epoch"] >= 0
    assert all(torch.isfinite(tensor.float()).all() for tensor in found.tensors.values())


def test_sparse_slopes_change_nothing_but_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    view, recipe = graph(), RECIPES["some"]
    sparse = train(view, recipe)
    monkeypatch.setattr(Model, "look_up", lambda _, rows, table: embedding(rows, table))
    dense = train(view, recipe)
    for name, value in sparse.model.state_dict().items():
        torch.testing.assert_close(value, dense.model.state_dict()[name], rtol=0.0, atol=1e-3)  # sums in another order


def test_a_loss_that_is_no_number_names_step_and_setting() -> None:
    with pytest.raises(ModelError, match=r"epoch \d+, batch \d+: try a smaller learning rate than 1e\+30"):
        train(graph(), Recipe(8, 20, norm=1.0, rate=1e30, batch=16))


def test_a_checkpoint_of_another_graph_or_of_other_settings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.safetensors"
    monkeypatch.setattr(run.Run, "_over", lambda self: self.epoch == 2)
    monkeypatch.setattr(Run, "forget", lambda _: None)
    train(graph(), RECIPES["all"], checkpoint=path, minutes=0)
    for view, recipe in ((graph(seed=1), RECIPES["all"]), (graph(), dataclasses.replace(RECIPES["all"], norm=0.3))):
        with pytest.raises(BadFile, match="belongs to another graph or other settings"):
            train(view, recipe, checkpoint=path)


@pytest.mark.parametrize("content", [b"", b"not a model", pickle.dumps({"a": 1})])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadFile, match="cannot be read as a checkpoint"):
        train(graph(), RECIPES["all"], checkpoint=path)


def test_what_progress_raises_ends_the_training_at_that_batch() -> None:
    told: list[int] = []

    def cancelling(done: int, total: int) -> None:
        told.append(done)
        if done == 3:
            raise Cancelled("the job was cancelled")

    with pytest.raises(Cancelled):
        train(graph(), RECIPES["all"], progress=cancelling)
    assert told == [1, 2, 3]


def test_every_epoch_is_told_with_the_latest_mrr() -> None:
    view, told = graph(), list[tuple[int, int, float | None]]()
    found = train(view.only(np.arange(10, len(view))), RECIPES["all"], valid=view.triples[:10], heard=lambda *one: told.append(one))
    assert [one[:2] for one in told] == [(epoch, 6) for epoch in range(1, len(told) + 1)]
    assert tuple(one[2] for one in told) == found.history
    assert found.epoch_seconds > 0


# -- memory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_batch_that_does_not_fit_is_worked_on_in_parts_to_the_same_model(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    view = graph()
    whole = train(view, recipe)
    loss = Run._loss

    def narrow(self: Run, batch: Batch, number: int) -> torch.Tensor:
        if len(batch.heads) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return loss(self, batch, number)

    monkeypatch.setattr(Run, "_loss", narrow)
    parts = train(view, recipe)
    assert caplog.text.count("a batch does not fit into memory: it goes on with 4 questions at a time") == 1
    for name, value in parts.model.state_dict().items():
        torch.testing.assert_close(value, whole.model.state_dict()[name], rtol=1e-3, atol=1e-3)


def test_a_batch_that_does_not_fit_at_all_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        )

    monkeypatch.setattr(Run, "_loss", full)
    with pytest.raises(ModelError, match="a batch does not fit into memory, not even one of its questions at a time: take a smaller dim"):
        train(graph(), RECIPES["all"])


def test_other_mistakes_are_not_taken_for_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Run, "_loss", wrong)
    with pytest.raises(RuntimeError, match="shapes"):
        train(graph(), RECIPES["all"])


# -- together ----------------------------------------------------------------------------------------

TOGETHER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from kgplatform.settings import processes
from reasoning.train import train
from reasoning.training.parallel import joined
from tests.unit.test_training import RECIPES, graph
import numpy as np
view = graph()
shown, held = view.only(np.arange(10, len(view))), view.triples[:10]
with joined(processes(), "cpu") as (group, device):
    for name, recipe in RECIPES.items():
        train(shown, recipe, valid=held, device=device, group=group, out=Path(sys.argv[1]) / name)
"""


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    view, root = graph(), Path(__file__).parents[2]
    shown = view.only(np.arange(10, len(view)))
    meet = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-c", TOGETHER.format(root=str(root)), str(tmp_path)]
    both = [subprocess.Popen(command, cwd=root, env={**os.environ, **meet, "RANK": str(rank)}) for rank in range(2)]
    try:
        assert [one.wait(timeout=120) for one in both] == [0, 0]
    finally:
        for one in both:
            one.kill()
            one.wait()
    for name, recipe in RECIPES.items():
        alone, together = train(shown, recipe, valid=view.triples[:10]), load(tmp_path / name, shown)
        assert together.history == pytest.approx(alone.history, abs=1e-3)
        for key, value in together.model.state_dict().items():
            torch.testing.assert_close(value, alone.model.state_dict()[key], rtol=1e-3, atol=1e-3)


def test_a_process_whose_number_cannot_be_is_refused() -> None:
    with pytest.raises(BadSetting, match="RANK '2' of WORLD_SIZE '2'"):
        processes({"RANK": "2", "WORLD_SIZE": "2"})
    assert processes({}) is None


# -- as a file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_trained_model_is_read_as_it_was_written(recipe: Recipe, tmp_path: Path) -> None:
    view, path = graph(), tmp_path / "model.safetensors"
    found = train(view, recipe, out=path)
    again = load(path, view.only(np.arange(5, len(view))))  # facts come and go
    assert same(found, again)
    assert (again.recipe, again.epochs, again.epoch_seconds) == (recipe, found.epochs, found.epoch_seconds)
    asked = torch.tensor([1, 2]), torch.tensor([0, 4])
    assert torch.equal(found.score(*asked), again.score(*asked))


def test_a_trained_model_is_refused_for_another_graph(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    train(graph(), RECIPES["all"], out=path)
    smaller = GraphView.of(
        Fact(FactKey(key), view.entities[h], view.relations[r], view.entities[t], 1.0, 1.0)
        for view in [graph()]
        for key, (h, r, t) in zip(view.keys, view.triples.tolist(), strict=True)
        if h and t
    )
    with pytest.raises(BadFile, match=r"belongs to another graph: its entities or relations are not these 14 and 3"):
        load(path, smaller)


def test_a_training_that_is_not_done_is_no_trained_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.safetensors"
    monkeypatch.setattr(Run, "forget", lambda _: None)
    train(graph(), RECIPES["all"], checkpoint=path, minutes=0)
    with pytest.raises(BadFile, match="kept of a training that is not done"):
        load(path, graph())


@pytest.mark.parametrize(("wrong", "said"), [({"dim": 0}, "dim must be at least 1"), ({"rate": -1.0}, "learning rate must be above 0")])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        dataclasses.replace(RECIPES["all"], **wrong)
