"""``kg ask``, ``kg complete`` and ``kg denoise``: what follows from the graph, and what does not fit it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgplatform.errors import BadRequest, NotFound
from ui.cli import querying, shapes
from ui.cli.command import AsJob, DryRun, Run, add
from ui.cli.screen import percent
from ui.tasks import complete as completion
from ui.tasks import denoise as denoising

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kgplatform import types
    from kgplatform.types import Step


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    examples = (
        'kg ask "Where was the discoverer of radium born?"',
        'kg ask "How many elements did Marie Curie discover?"',
        'kg ask --cypher "Which elements did Marie Curie discover?" --chat local:qwen2.5-coder-1.5b',
    )
    add(app, "ask", example="\n".join(examples))(ask)
    add(app, "complete", example='kg complete --relation "born in" --top 20 --dry-run')(complete)
    add(app, "denoise", example="kg denoise --top 50\nkg denoise --apply --min-probability 0.8")(denoise)


def ask(
    run: Run,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question in words.")],
    include_predicted: Annotated[bool, typer.Option("--include-predicted", help="Walk over predicted facts too.")] = False,
    cypher: Annotated[
        bool, typer.Option("--cypher", help="Let a chat model write a query that only reads, and show it with its rows.")
    ] = False,
    chat: Annotated[
        str | None, typer.Option(metavar="MODEL", help="With --cypher, the chat model that writes; nothing: KG_CHAT_MODEL.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --cypher, show the query and do not run it.")] = False,
) -> None:
    """Answer a question by walks through the graph; every step is shown with the words that support it."""
    from reasoning.agent.ask import ask as answer_of

    if cypher and include_predicted:
        raise BadRequest("--include-predicted is for walks: Cypher sees predicted facts anyway")
    if (chat or dry_run) and not cypher:
        raise BadRequest(f"{'--chat' if chat else '--dry-run'} is for  --cypher:  walks ask no chat model")
    if not len(run.graph.facts(status="all", limit=1)):
        raise NotFound(f"the graph {run.settings['KG_GRAPH']!r} holds no facts: fill it with  kg harvest,  kg import  or  kg demo")
    if cypher:
        querying.asked(run, question, chat, dry_run)
        return
    answer = answer_of(run.graph, question, run.encoder, predicted=include_predicted)
    walks = walked(run, answer.paths)
    entities = [shapes.end(end) for end in answer.answers]
    run.screen.emit({"question": question, "answer": answer.text, "supported": answer.supported, "entities": entities, "walks": walks})
    run.screen.say(answer.text)
    show_walks(run, walks)


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
    return [[step_shape(run, step) for step in path.steps] for path in paths]


def step_shape(run: Run, step: Step) -> shapes.Shape:
    """A step with the strongest piece of evidence that has words, else the strongest."""
    evidence = run.graph.store.evidence(step.fact.key)
    best = shapes.strongest(evidence)
    told = {"quote": best.quote, "source": shapes.where(best)} if best else {"quote": "", "source": ""}
    return {"words": shapes.triple(step.fact), "forward": step.forward, "fact": shapes.fact(step.fact), **told}


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
