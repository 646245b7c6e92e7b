"""Training goes on where it was killed, to the same numbers; what cannot go on says why."""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
from torch.nn.functional import embedding

from kgplatform.errors import BadFile, BadRequest, ModelError
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView
from reasoning.models.base import Model
from reasoning.recipe import Recipe
from reasoning.train import Predictor, train
from reasoning.training import checkpoint, run
from reasoning.training.run import Run

RECIPES = {
    "all": Recipe(8, 6, norm=0.02, batch=16, relation_weight=0.5),
    "some": Recipe(8, 6, batch=16, objective="some", negatives=8),
    "adam": Recipe(8, 6, batch=16, objective="some", negatives=8, optimiser="adam", rate=0.01, model="rotate"),
}


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


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
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
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
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


@pytest.mark.parametrize(("wrong", "said"), [({"dim": 0}, "dim must be at least 1"), ({"rate": -1.0}, "learning rate must be above 0")])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        dataclasses.replace(RECIPES["all"], **wrong)
