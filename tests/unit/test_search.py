"""A search for settings: it keeps to its time, begins with the usual ones, and goes on where it was broken off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("optuna")

from kgplatform.errors import BadRequest
from reasoning.models import registry
from reasoning.recipe import Recipe
from reasoning.training import search as module
from reasoning.training.search import Found, search
from tests.unit.test_training import graph

VIEW = graph(600)
RECIPE = Recipe(8, 4, norm=0.02, batch=16)


class Clock:
    """Every look at it takes a hundredth of a second."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 0.01
        return self.now


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", Clock())


def trials(kept: Path) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in kept.read_text().splitlines() if line and line.endswith("}")]
    return [{name: value for name, value in one.items() if name != "seconds"} for one in told]


def found(kept: Path, minutes: float = 0.05, **more: Any) -> Found:
    return search(VIEW, RECIPE, minutes, kept, **more)


def test_the_best_of_what_was_tried_is_chosen_and_the_usual_comes_first(tmp_path: Path) -> None:
    told = found(kept := tmp_path / "one.trials")
    tried = trials(kept)
    assert told.trials == len(tried) > 3
    assert (tried[0]["settings"], told.default) == ({}, tried[0]["mrr"])
    best = max(tried, key=lambda one: one["mrr"])
    assert told.best == best["mrr"] >= tried[0]["mrr"]
    assert {name: getattr(told.recipe, name) for name in best["settings"]} == best["settings"]
    assert told.recipe.epochs == best["epochs"]  # nothing will be watched in a graph of this size
    assert set(tried[1]["settings"]) == {"dim", "rate", "batch", "norm", "relation_weight"}


def test_a_search_that_broke_off_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    whole = found(tmp_path / "whole")

    class Killed(BaseException):
        pass

    def until(many: int) -> Any:
        def stop(*_: int) -> None:
            if kept.exists() and len(trials(kept)) >= many:
                raise Killed

        return stop

    kept = tmp_path / "parts"
    for many in (1, 3):
        with pytest.raises(Killed):
            found(kept, progress=until(many))
        kept.write_text(kept.read_text() + '\n{"settings": {"di')  # a kill may cut off a line
    parts = found(kept)
    assert trials(kept)[:-1] == trials(tmp_path / "whole")[:-1][: len(trials(kept)) - 1]
    assert parts.trials == pytest.approx(whole.trials, abs=1)


def test_progress_is_told_in_seconds_and_the_words_name_the_trial(tmp_path: Path) -> None:
    told, words = list[tuple[int, int]](), list[str]()
    found(tmp_path / "kept", progress=lambda done, total: told.append((done, total)), words=words.append)
    assert told[-1] == (3, 3)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert words[0] == "trying settings (seconds), trial 1"
    assert words[-1].startswith(f"trying settings (seconds), trial {len(words)}, best MRR 0.")


def test_a_time_too_short_for_one_training_leaves_the_usual_settings(tmp_path: Path) -> None:
    told = found(tmp_path / "kept", minutes=0.0005)
    assert (told.recipe, told.best) == (RECIPE, None)


def test_settings_that_break_the_training_are_passed_over(tmp_path: Path) -> None:
    told = search(VIEW, Recipe(8, 4, norm=1.0, batch=16, rate=1e30), 0.02, tmp_path / "kept")
    assert (told.best, told.trials > 1) == (None, True)


@pytest.mark.parametrize("model", registry.MODELS)
def test_every_model_can_be_searched(model: str, tmp_path: Path) -> None:
    told = search(VIEW, Recipe.fitting(VIEW, model, dim=8, epochs=2, batch=64), 0.02, tmp_path / "kept")
    assert told.trials >= 1
    assert told.recipe.model == model


def test_too_few_facts_tell_no_settings_apart(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="it takes 20: train without"):
        search(graph(10), RECIPE, 1.0, tmp_path / "kept")
