"""Settings that suit one graph, found within a time: each trial is a training, judged by the facts that it watches.

What to try next comes from optuna's sampler, made afresh for every trial from the seed and the trials before it, so that the same trials
lead to the same next one. Each is kept in a file as it ends: a search that was killed goes on with the time that is left.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadRequest, MissingExtra, ModelError
from kgplatform.ports import Progress
from kgplatform.view import GraphView, Ints
from reasoning.recipe import DISTANCES, WATCHED, Recipe
from reasoning.train import learnable, make, train, watched

if TYPE_CHECKING:
    import optuna

LEAST = 20
"""So many watched facts can tell one setting from another."""
UNDISTURBED = 4
"""So many trials run to their end, before one that lies below the median of the others is cut short."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The ``settings`` that were tried, the best ``mrr`` on the way, the epoch of it, what it took, and whether it ran to its end.

    ``looks`` are the MRRs by epoch.
    """

    settings: Mapping[str, Any]
    mrr: float
    epochs: int
    seconds: float
    whole: bool
    looks: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Found:
    """The ``recipe`` to train with, from so many ``trials``; the MRR of the recipe that it began with, and of this one.

    ``default`` is ``None`` when the time was too short for that, ``best`` when it was too short for any.
    """

    recipe: Recipe
    trials: int
    default: float | None
    best: float | None
    seconds: float


def search(
    view: GraphView,
    recipe: Recipe,
    minutes: float,
    kept: Path,
    *,
    valid: Ints | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    words: Callable[[str], None] | None = None,
) -> Found:
    """Try settings around ``recipe`` for so many ``minutes``, ``progress`` in seconds; the trials lie in the file ``kept``.

    ``valid`` is watched, else a slice of the view. Raises ``BadRequest`` where that is too small to tell settings apart, or the view has
    nothing to learn from, and ``MissingExtra`` without optuna.
    """
    _optuna()
    learnable(view)
    learned, facts = (view, valid) if valid is not None and len(valid) else watched(view, recipe.seed, LEAST)
    if len(facts) < LEAST:
        raise BadRequest(f"{len(facts):,} facts can be spared for comparing settings, and it takes {LEAST}: train without  --search")
    trials, space = _read(kept), _space(recipe, view)
    while (spent := sum(trial.seconds for trial in trials)) < 60 * minutes:
        if words:
            words(_words(trials))
        settings = _next(recipe, space, trials)
        trial = _Trying(learned, facts, replace(recipe, **settings), device, spent, 60 * minutes, progress).run(settings, trials, space)
        trials.append(trial)
        _keep(kept, trial)
    best = max(trials, key=lambda trial: trial.mrr)
    default = trials[0]
    if best.mrr <= 0.0:
        return Found(recipe, len(trials), None, None, spent)
    chosen = replace(recipe, **best.settings)
    if valid is None and len(view) < WATCHED:  # then nothing will be watched in the training that follows
        chosen = replace(chosen, epochs=max(1, best.epochs))
    return Found(chosen, len(trials), default.mrr if default.whole else None, best.mrr, spent)


def _words(trials: Sequence[Trial]) -> str:
    best = max((trial.mrr for trial in trials), default=0.0)
    return f"trying settings (seconds), trial {len(trials) + 1}" + (f", best MRR {best:.3f}" if best else "")


class _Cut(Exception):
    """A trial ends before its end."""


class _Trying:
    """One training on trial."""

    def __init__(
        self, learned: GraphView, facts: Ints, recipe: Recipe, device: str, spent: float, budget: float, progress: Progress | None
    ) -> None:
        self.learned, self.facts, self.recipe, self.device = learned, facts, recipe, device
        self.spent, self.budget, self.progress = spent, budget, progress
        self.began = time.monotonic()
        self.looks: dict[int, float] = {}

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def run(self, settings: Mapping[str, Any], trials: Sequence[Trial], space: Space) -> Trial:
        judge, whole = _judge(self.recipe, space, trials, settings), False

        def heard(epoch: int, _: int, mrr: float | None) -> None:
            if mrr is not None and mrr not in list(self.looks.values())[-1:]:
                self.looks[epoch] = mrr
                judge.report(mrr, epoch)
                if judge.should_prune():
                    raise _Cut

        try:
            train(self.learned, self.recipe, valid=self.facts, device=self.device, progress=self._tick, heard=heard)
            whole = True
        except _Cut:
            pass
        except ModelError:  # a rate that is too large, or a dim
            self.looks = {}
        epoch, mrr = max(self.looks.items(), key=lambda look: look[1], default=(0, 0.0))
        return Trial(settings, mrr, epoch, self.seconds, whole, self.looks)

    def _tick(self, *_: int) -> None:
        now = self.spent + self.seconds
        if self.progress:
            self.progress(min(round(now), round(self.budget)), round(self.budget))
        if now > self.budget:
            raise _Cut


Space = dict[str, "optuna.distributions.BaseDistribution"]


def _space(recipe: Recipe, view: GraphView) -> Space:
    """What may be changed of a recipe, and how far; its own values lie inside."""
    import torch

    from reasoning.models.base import Bilinear

    spread = _optuna().distributions
    space: Space = {
        "dim": spread.IntDistribution(max(1, recipe.dim // 4), 2 * recipe.dim, log=True),
        "rate": spread.FloatDistribution(recipe.rate / 30, recipe.rate * 10, log=True),
        "batch": spread.IntDistribution(max(1, recipe.batch // 4), 4 * recipe.batch, log=True),
    }
    if recipe.norm:
        space["norm"] = spread.FloatDistribution(recipe.norm / 100, recipe.norm * 30, log=True)
    if recipe.model in DISTANCES:
        space["margin"] = spread.FloatDistribution(recipe.margin / 4, recipe.margin * 3, log=True)
    model = make(replace(recipe, dim=min(4, recipe.dim)), view, torch.Generator())
    if isinstance(model, Bilinear) and model.between(torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)) is not None:
        space["relation_weight"] = spread.FloatDistribution(0.0, max(4.0, recipe.relation_weight))
    return space


def _study(recipe: Recipe, space: Space, trials: Sequence[Trial]) -> optuna.Study:
    """The trials so far, and a sampler that depends on nothing else."""
    library = _optuna()
    sampler = library.samplers.TPESampler(seed=recipe.seed + len(trials), n_startup_trials=8, multivariate=True)
    study = library.create_study(direction="maximize", sampler=sampler, pruner=library.pruners.MedianPruner(UNDISTURBED))
    state = library.trial.TrialState
    for trial in trials:
        told = {"state": state.COMPLETE, "value": trial.mrr} if trial.whole or not trial.looks else {"state": state.PRUNED}
        held = {name: trial.settings.get(name, getattr(recipe, name)) for name in space}
        study.add_trial(library.trial.create_trial(params=held, distributions=space, intermediate_values=dict(trial.looks), **told))
    return study


def _next(recipe: Recipe, space: Space, trials: Sequence[Trial]) -> dict[str, Any]:
    """The recipe as it is comes first."""
    return dict(_study(recipe, space, trials).ask(space).params) if trials else {}


def _judge(recipe: Recipe, space: Space, trials: Sequence[Trial], settings: Mapping[str, Any]) -> optuna.Trial:
    """The trial under way, which is told when it lies below the median of the others."""
    study = _study(recipe, space, trials)
    study.enqueue_trial({name: settings.get(name, getattr(recipe, name)) for name in space})
    return study.ask(space)


def _read(kept: Path) -> list[Trial]:
    """What was tried before. A kill may have cut off a line."""
    if not kept.exists():
        return []
    trials = []
    for line in kept.read_text("utf-8").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        trials.append(Trial(**told | {"looks": {int(epoch): mrr for epoch, mrr in told["looks"].items()}}))
    return trials


def _keep(kept: Path, trial: Trial) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file:
        file.write(f"\n{json.dumps(asdict(trial))}\n")
        file.flush()
        os.fsync(file.fileno())


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingExtra("optuna", extra="reasoning", need="the search for settings") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
