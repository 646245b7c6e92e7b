"""``kg evaluate memory``: how much of a link predictor's success is in the names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadFile, BadRequest
from ui.cli.command import Run, add

if TYPE_CHECKING:
    from kgplatform.ports import Progress
    from reasoning.evaluate import Scorer
    from reasoning.memory.report import Judge, Report, Row
    from reasoning.memory.worlds import World
    from reasoning.split import Split

_LIMIT = 30
_TITLES = {
    "original": "as it is",
    "virtual": "names swapped",
    "anonymised": "random names",
    "inconsistent": "descriptions swapped",
    "fully_anonymised": "random names and descriptions",
}


def register(app: typer.Typer) -> None:
    """The command for the group of measurements."""
    example = "kg evaluate memory fb15k237 --model text --json\nkg evaluate memory fb15k237 --model lm --limit 100"
    add(app, "memory", example=example)(memory)


def memory(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="train.txt valid.txt test.txt, maybe entity2text.txt relation2text.txt.")],
    model: Annotated[str, typer.Option(metavar="NAME", help="A link predictor, such as complex; text: the encoder; lm: the scorer.")],
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Test facts that a language model is asked.")] = _LIMIT,
    seed: Annotated[int, typer.Option(min=0, help="Of the new names, and of the training.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result there too, as JSON.")] = None,
) -> None:
    """How much of a link predictor's success is memory of names.

    The graph is measured again with its names swapped, with random names, with descriptions swapped, and with nothing left to read. What is
    lost when names are swapped (the gap, in MRR) was memory. A model that knows only numbers loses nothing. A language model is asked about
    a few test facts, against 19 other ends each, so its numbers are not those of a full ranking.
    """
    from kgplatform.wholefile import whole
    from reasoning.memory.report import report
    from reasoning.memory.texts import read_texts
    from reasoning.split import read_split

    if out and not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    parts = read_split(folder)
    texts = read_texts(folder, parts.train)
    name, judge = _judge(run, model, parts, limit, seed)
    with run.screen.progress("measuring") as progress:
        found = report(parts, texts, judge, seed=seed, progress=progress)
    if not texts.described:
        run.screen.note("no entity has a description, so the world with descriptions swapped is the graph as it is")
    result = {"model": name, **found.shape()}
    if out:
        with whole(out) as file:
            file.write(json.dumps(result, indent=1).encode())
    run.screen.emit(result)
    _show(run, name, found)


def _judge(run: Run, model: str, parts: Split, limit: int, seed: int) -> tuple[str, Judge]:
    """What the judge is called, and the judge. Raises ``BadRequest`` for a model that is not there."""
    from kgplatform import opening
    from reasoning.links import MODELS
    from reasoning.memory.likelihood import Asked, likelihood
    from reasoning.memory.report import trained
    from reasoning.memory.similarity import Similarity

    if model == "text":
        encoder = opening.bare_encoder(run.settings)
        return encoder.name, trained(lambda world, _: Similarity(world.texts, encoder))
    if model == "lm":
        scorer = opening.bare_scorer(run.settings)
        return scorer.name, likelihood(scorer, Asked.of(parts, limit, seed))
    if model not in MODELS:
        raise BadRequest(f"{model!r} is no model that links are judged by: there are {', '.join((*MODELS, 'text', 'lm'))}")
    return model, _learning(run, model, seed)


def _learning(run: Run, model: str, seed: int) -> Judge:
    from reasoning import links
    from reasoning.memory.report import trained
    from reasoning.train import pick_device

    device = pick_device(run.settings["KG_DEVICE"])

    def train(world: World, progress: Progress | None) -> Scorer:
        view = world.split.train
        recipe = links.Recipe.fitting(view, model, seed=seed)
        return links.train(view, recipe, valid=world.split.valid, device=device, progress=progress)

    return trained(train, device)


def _show(run: Run, name: str, found: Report) -> None:
    virtual = found.row("virtual")
    run.screen.say(f"{name}: {virtual.gap:.3f} of MRR {found.rows[0].mrr:.3f} is lost when names are swapped ({_between(virtual)})")
    run.screen.say(f"{found.facts:,} test facts, both ends; {found.described:,} entities have a description")
    run.screen.table(
        ("graph", "MRR", "Hits@1", "Hits@3", "Hits@10", "lost", "95 of 100 resamples"),
        [(_TITLES[row.world], *(f"{value:.3f}" for value in (row.mrr, *row.hits.values(), row.gap)), _between(row)) for row in found.rows],
    )


def _between(row: Row) -> str:
    return f"{row.low:.3f} to {row.high:.3f}"
