"""``kg evaluate``: methods measured on data of one's own. They run in memory and touch no graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadFile, BadRequest
from ui.cli.command import Run, add, group
from ui.tasks import harvest_relation

if TYPE_CHECKING:
    from harvest.bertnet.evaluate import Evaluation, Measured
    from kgplatform.types import Relation, Words

app = group("Measure a method on data of your own; no graph is touched.")


@add(app, "pairs", example="kg evaluate pairs born-in.yaml --true true.tsv --false false.tsv --json")
def pairs(
    run: Run,
    card: Annotated[Path, typer.Argument(metavar="CARD", help="A relation card: YAML, or the JSON of BertNet.")],
    true: Annotated[Path, typer.Option("--true", metavar="FILE", help="Tuples that are true: head<TAB>tail.")],
    false: Annotated[Path, typer.Option("--false", metavar="FILE", help="Tuples that are false.")],
    relation: Annotated[str, typer.Option(metavar="NAME", help="Of a file with many cards this one.")] = "",
    columns: Annotated[str, typer.Option(metavar="SLOT,SLOT", help="The order of the files' columns; nothing: head,tail.")] = "",
    scorer: Annotated[str, typer.Option(metavar="MODEL", help="The model that scores; nothing: KG_SCORER_MODEL.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result there too, as JSON.")] = None,
) -> None:
    """How well a language model tells true from false tuples of a relation.

    By the prompts and scores of a harvest without a chat model. The card's seeds are shown to the model, so both files are read without
    them.
    """
    from harvest.bertnet.evaluate import evaluate
    from harvest.bertnet.prompts import prompt_set
    from kgplatform.wholefile import whole

    if out and not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    asked = _card(run, card, relation)
    right, wrong = _tuples(run, asked, true, false, [name.strip() for name in columns.split(",")] if columns else [])
    prompts = [prompt.template for prompt in prompt_set(asked).prompts]
    measured = _measured(run, scorer or None)
    with run.screen.progress("scoring") as progress:
        found = evaluate(asked, prompts, right, wrong, measured, progress)
    result = {"relation": asked.name, "scorer": measured.name, "prompts": len(prompts), **found.shape()}
    if out:
        with whole(out) as file:
            file.write(json.dumps(result, indent=1).encode())
    run.screen.emit(result)
    _show(run, asked.name, found)


def _card(run: Run, path: Path, name: str) -> Relation:
    cards, notes = harvest_relation.chosen([str(path)], [name] if name else [])
    if len(cards) > 1:
        raise BadRequest(f"{path}: holds {len(cards)} cards: name one with  --relation,  such as {cards[0].name!r}")
    for line in notes:
        run.screen.note(line)
    return cards[0]


def _tuples(run: Run, card: Relation, true: Path, false: Path, columns: list[str]) -> tuple[list[Words], list[Words]]:
    """What the files hold beside the card's seeds. Raises ``BadFile``, and ``BadRequest`` for files that say nothing or two things."""
    from harvest.bertnet.pairfile import read
    from kgplatform.cards import slots

    told = [read(path, slots(card), columns) for path in (true, false)]
    right, wrong = ([words for words in tuples if words not in card.seeds] for tuples in told)
    for path, tuples in ((true, right), (false, wrong)):
        if not tuples:
            raise BadRequest(f"{path}: holds nothing but seeds of the card, which are shown to the model: give others")
    if both := set(right) & set(wrong):
        raise BadRequest(f"{' | '.join(min(both))} stands in both {true} and {false}: take it out of one")
    if left := sum(map(len, told)) - len(right) - len(wrong):
        run.screen.note(f"{left:,} of the tuples are seeds of the card, and are left out")
    return right, wrong


def _measured(run: Run, name: str | None) -> Measured:
    from harvest.bertnet.evaluate import Causal, Masked
    from kgplatform import opening

    if opening.reads(run.settings, name) == "masked":
        return Masked(opening.masked(run.settings, name))
    return Causal(opening.bare_scorer(run.settings, name))


def _show(run: Run, relation: str, found: Evaluation) -> None:
    run.screen.say(
        f"{relation}: AUC {found.auc:.3f} ({found.low:.3f} to {found.high:.3f}) on {found.true:,} true and {found.false:,} false"
    )
    run.screen.say(f"one plain prompt: AUC {found.auc_one_prompt:.3f}; {found.pairs_per_second:,.1f} tuples a second")
    if found.unreadable:
        run.screen.say(f"{found.unreadable:,} of them have words that the model cannot read, and count as the least likely")
    run.screen.say(found.reason or f"the seeds alone: AUC {found.seeds_auc:.3f}, chance {found.p_value:.2g}: the model knows this relation")
