"""``kg evaluate answers``: questions whose answers are known."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from kgplatform.errors import BadFile
from ui.cli.command import Run, add


def register(app: typer.Typer) -> None:
    """Add this command to ``kg evaluate``."""
    add(app, "answers", example="kg evaluate answers facts.tsv questions.tsv --check --json")(answers)


def answers(
    run: Run,
    facts: Annotated[Path, typer.Argument(metavar="GRAPH", help="Facts in any format of  kg import,  or as head|relation|tail.")],
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Lines: a question, a tab, its answers with | between them.")],
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="So many questions, chosen by the seed.")] = None,
    chat: Annotated[str, typer.Option(metavar="MODEL", help="A chat model that has its word on what is nearly even.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Take each answer's walk away and ask again.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of which questions are chosen.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result there too, as JSON.")] = None,
) -> None:
    """How well questions are answered by walking a graph, with no chat model unless one is named.

    Square brackets round a name say what is asked about; they may be left out. A question with nothing behind its tab is one that the graph
    does not answer.
    """
    from kgplatform import opening
    from kgplatform.wholefile import whole
    from reasoning.agent import advice
    from reasoning.agent.evaluate import evaluate, guide_of, read_questions

    if out and not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    asked = read_questions(questions)
    if limit is not None and limit < len(asked):
        asked = random.Random(seed).sample(asked, limit)  # noqa: S311 - a sample, no secret
    with run.screen.progress("reading the facts") as progress:
        guide = guide_of(facts, run.encoder, progress)
    answer = guide.answer
    if chat:
        model = opening.chat(run.settings, chat)
        answer = partial(advice.answer, guide, model=model, quarantine=run.settings.home / "quarantine", seed=seed, guess=False)
    with run.screen.progress("asking") as progress:
        found = evaluate(answer, asked, guide if check else None, progress)
    result = found.shape()
    if out:
        with whole(out) as file:
            file.write(json.dumps(result, indent=1).encode())
    run.screen.emit(result)
    run.screen.say(f"{found.questions:,} questions: hits@1 {found.hits:.3f}, F1 {found.f1:.3f}, exactly right {found.exact:.3f}")
    for name, share in (("unanswerable ones refused", found.refused_rightly), ("others refused", found.refused_wrongly)):
        if share == share:
            run.screen.say(f"{name}: {share:.3f}")
    if check:
        run.screen.say(f"another answer without the walk: {found.flip_rate:.3f}")
    if chat:
        run.screen.say(f"calls of the chat model a question: {found.calls:.2f}, tokens {found.tokens:.0f}")
    run.screen.say(f"p50 {found.p50_ms:.0f} ms, p95 {found.p95_ms:.0f} ms")
