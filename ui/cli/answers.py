"""``kg ask``, ``kg complete`` and ``kg denoise``: what follows from the graph, and what does not fit it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgplatform.errors import BadRequest, NotFound
from ui import shapes
from ui.cli import querying
from ui.cli.command import AsJob, DryRun, Run, add
from ui.cli.screen import percent
from ui.tasks import complete as completion
from ui.tasks import denoise as denoising

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kgplatform import types


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    examples = (
        'kg ask "When was the discoverer of sodium born?"',
        'kg ask "How many elements did Marie Curie discover?" --check',
        'kg ask --cypher "Which elements did Marie Curie discover?" --dry-run',
    )
    add(app, "ask", example="\n".join(examples))(ask)
    add(app, "complete", example='kg complete --relation "born in" --top 20 --dry-run')(complete)
    add(app, "denoise", example="kg denoise --top 50\nkg denoise --apply --min-probability 0.8")(denoise)


def ask(
    run: Run,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question in words.")],
    include_predicted: Annotated[bool, typer.Option("--include-predicted", help="Walk over predicted facts too.")] = False,
    means: Annotated[list[str] | None, typer.Option(metavar="ID", help="Which entity a name of several means; once for each.")] = None,
    chat: Annotated[str, typer.Option(metavar="MODEL", help="A chat model that has its word on what is nearly even.")] = "",
    no_chat: Annotated[bool, typer.Option("--no-chat", help="Ask no chat model, though KG_CHAT_MODEL names one.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Ask again without the facts that the answer rests on.")] = False,
    right: Annotated[bool, typer.Option("--right", help="The answer is right: learn from it.")] = False,
    right_is: Annotated[list[str] | None, typer.Option(metavar="NAME", help="What is right instead; once for each.")] = None,
    unmark: Annotated[bool, typer.Option("--unmark", help="Forget what was said to be right of this question.")] = False,
    cypher: Annotated[
        bool, typer.Option("--cypher", help="Let the chat model write Cypher that only reads, and show it with its rows.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --cypher, show the query and do not run it.")] = False,
) -> None:
    """Answer a question by walks through the graph; every step is shown with the words that support it.

    A chat model, where there is one, chooses among walks that fit nearly equally well, and cuts what is not answered so into shorter
    questions, each of which is walked; it adds no walk. What it says by itself where the graph is silent is shown apart, as unsupported.
    From 20 questions whose right answer is told, it learns which walks their words ask for. The words are kept beside the graph, without
    the names in them.
    """
    from reasoning.agent.ask import guide as guide_over

    if cypher and (include_predicted or means or no_chat or check or right or right_is or unmark):
        raise BadRequest("--cypher goes with  --chat  and  --dry-run  alone: the other options are about walks")
    if bool(right) + bool(right_is) + unmark > 1:
        raise BadRequest("--right says that the answer is right, --right-is what is instead, --unmark forgets either: give one of them")
    if dry_run and not cypher:
        raise BadRequest("--dry-run is for  --cypher:  walks write nothing")
    with run.screen.waiting("opening the graph"):
        holds = len(run.graph.facts(status="all", limit=1))
    if not holds:
        raise NotFound(f"the graph {run.settings['KG_GRAPH']!r} holds no facts: fill it with  kg harvest,  kg import  or  kg demo")
    if cypher:
        querying.asked(run, question, chat, dry_run)
        return
    marks = run.marks.drop(question) if unmark else None
    with run.screen.waiting("reading the graph"):
        guide = guide_over(run.graph, run.encoder, predicted=include_predicted).taught(run.marks.read())
    if model := "" if no_chat else chat or run.settings["KG_CHAT_MODEL"]:
        from kgplatform import opening
        from reasoning.agent import advice

        quarantine = run.settings.home / "quarantine"
        answer = advice.answer(guide, question, opening.chat(run.settings, model), quarantine, means=means or ())
    else:
        answer = guide.answer(question, means or ())
    unlearned = None
    if right or right_is:
        try:
            marks = run.marks.add(guide.mark(question, right_is or ()))
        except BadRequest as error:  # the answer is shown all the same
            unlearned = error
    walks = walked(run, answer.paths)
    told = {**shapes.answer(question, answer, walks), **({} if marks is None else {"marks": marks})}
    checked = None
    if check:
        from reasoning.agent import faithful

        checked = faithful.check(guide, question, answer, means or ())
    if checked:
        told |= {"flips": checked.flips, "without": checked.without.text}
    run.screen.emit(told)
    run.screen.say(answer.text)
    if answer.supported:
        run.screen.say(f"({percent(answer.confidence)} sure that this is what was asked, and that it is so)")
    for one in answer.choices:
        run.screen.say(f"  --means {one.id}   {one.name} ({', '.join(one.kinds)})")
    if answer.guess:
        run.screen.say(f"Nothing in the graph supports what {model} says by itself: {answer.guess}")
    show_walks(run, walks)
    if checked:
        rests = "It rests on them" if checked.flips else "It stands without them"
        run.screen.say()
        run.screen.say(f"Without {shapes.many(checked.facts, 'fact')} of its walk: {checked.without.text}  ({rests}.)")
    if marks is not None:
        run.screen.note(f"kg: {'forgot' if unmark else 'kept'} what is right: {shapes.many(marks, 'answer')} to learn from")
    if unlearned:
        raise unlearned


def show_walks(run: Run, walks: list[list[shapes.Shape]]) -> None:
    """Every step with its confidence and the words that support it."""
    for walk in walks:
        run.screen.say()
        for step in walk:
            run.screen.say(f"  {step['words']}  ({percent(step['fact']['confidence'])})")
            if step["quote"]:
                run.screen.say(f"      “{step['quote']}”  {step['source']}")


def walked(run: Run, paths: Sequence[types.Path]) -> list[list[shapes.Shape]]:
    """The paths of an answer with the evidence of each step."""
    return shapes.walks(run.graph.store, paths)


def complete(
    run: Run,
    model: Annotated[str, typer.Option(metavar="NAME", help="The graph model; auto: the best of a few on this graph.")] = completion.MODEL,
    relation: Annotated[str | None, typer.Option(metavar="NAME", help="Only facts of this relation.")] = None,
    top: Annotated[int, typer.Option(min=1, help="The most facts to predict.")] = completion.TOP,
    min_confidence: Annotated[float, typer.Option(min=0.0, max=1.0, help="The least confidence of a prediction.")] = completion.LEAST,
    ultra: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Parameters of ULTRA, heard too where that tells held-out facts better.")
    ] = None,
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Predict facts that the graph lacks, and put them as predictions for review."""
    arguments = completion.arguments(relation, model=model, top=top, min_confidence=min_confidence, ultra=ultra, dry_run=dry_run)
    run.do("complete", arguments, partial(_show, run), job=job)


def _show(run: Run, result: Mapping[str, Any]) -> None:
    run.screen.emit(result)
    if result["predictions"]:
        rows = ((percent(p["confidence"]), p["head"]["name"], p["relation"], p["tail"]["name"]) for p in result["predictions"])
        run.screen.table(("confidence", "head", "relation", "tail"), rows)
    for one in result["predictions"]:
        if one["rules"]:
            run.screen.say(f"{one['head']['name']} | {one['relation']} | {one['tail']['name']}")
            for rule in one["rules"]:
                run.screen.say(f"      {rule}")
    if result["start"]:
        run.screen.note(f"the graph was not learned anew: {result['model']} went on from {result['start']}")
    if told := result["ultra"]:
        words = "heard too" if told["heard"] else "not heard"
        run.screen.note(f"ULTRA was {words}: on the likeliest links AUC {told['auc']:.3f} with it, {told['auc_without']:.3f} without")
    if result["held_out"]:
        run.screen.note(f"{result['model']}: told {result['held_out']:,} held-out facts from others with an AUC of {result['auc']:.2f}")
    if result["note"]:
        run.screen.say(result["note"])


def denoise(
    run: Run,
    top: Annotated[int, typer.Option(min=1, help="The most facts to show.")] = denoising.TOP,
    least: Annotated[
        float, typer.Option("--min-probability", min=0.0, max=1.0, metavar="P", help="Show what is wrong at least so probably.")
    ] = denoising.LEAST,
    apply: Annotated[bool, typer.Option("--apply", help="Lower belief in them, and let them wait for review.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the corrupted facts that they are compared with.")] = 0,
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Show facts that do not fit the rest of the graph, with what speaks against each.

    Nothing is written without --apply. What is put then counts as a graph model's word, which no graph model learns from, and kg forget
    takes it back.
    """
    arguments = denoising.arguments(top=top, least=least, apply=apply, seed=seed, dry_run=dry_run)
    run.do("denoise", arguments, partial(_show_suspects, run), job=job)


def _show_suspects(run: Run, result: Mapping[str, Any]) -> None:
    run.screen.emit(result)
    for one in result["suspects"]:
        run.screen.say(f"{percent(one['probability_wrong']):>5} wrong  {one['head']['name']} | {one['relation']} | {one['tail']['name']}")
        for reason in one["reasons"]:
            run.screen.say(f"       {reason}")
    if result["note"]:
        run.screen.say(result["note"])
        return
    run.screen.say(f"about {percent(result['wrong'])} of {result['facts']:,} facts do not fit the others")
    if result["applied"]:
        run.screen.say(f"belief in {shapes.many(len(result['suspects']), 'fact')} is lowered  (kg forget {result['source']} takes it back)")
    elif result["suspects"]:
        run.screen.note("nothing was written; --apply lowers belief in them")
