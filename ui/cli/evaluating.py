"""``kg evaluate``: methods measured on data of one's own. They run in memory and touch no graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kgplatform.errors import BadRequest
from ui.cli.command import Run, add, group
from ui.cli.screen import percent

app = group("Measure a method on data of your own; no graph is touched.")


@add(app, "pairs", example="kg evaluate pairs born-in.yaml --true true.tsv --false false.tsv --json")
def pairs(
    run: Run,
    card: Annotated[Path, typer.Argument(metavar="CARD", help="A relation card, YAML.")],
    true: Annotated[Path, typer.Option("--true", metavar="FILE", help="Tuples that are true: head<TAB>tail.")],
    false: Annotated[Path, typer.Option("--false", metavar="FILE", help="Tuples that are false.")],
    scorer: Annotated[str, typer.Option(metavar="MODEL", help="The scorer; none: KG_SCORER_MODEL.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result there too, as JSON.")] = None,
) -> None:
    """How well a language model tells true from false tuples of a relation.

    A harvest uses the same prompts and scores. The card's seeds are shown to the model, so they are left out of both files.
    """
    from harvest.bertnet.evaluate import evaluate
    from harvest.bertnet.pairfile import read
    from harvest.bertnet.prompts import prompt_set
    from kgplatform.cards import read_relation, slots
    from kgplatform.opening import bare_scorer
    from kgplatform.wholefile import whole

    relation = read_relation(card)
    right, wrong = ([words for words in read(path, slots(relation)) if words not in relation.seeds] for path in (true, false))
    for path, tuples in ((true, right), (false, wrong)):
        if not tuples:
            raise BadRequest(f"{path}: holds nothing but seeds of the card, which are shown to the model: give others")
    if both := set(right) & set(wrong):
        raise BadRequest(f"{' | '.join(min(both))} stands in both {true} and {false}: take it out of one")
    prompts = [prompt.template for prompt in prompt_set(relation).prompts]
    model = bare_scorer(run.settings, scorer or None)
    with run.screen.progress("scoring") as progress:
        found = evaluate(relation, prompts, right, wrong, model, progress)
    result = {"relation": relation.name, "scorer": model.name, "prompts": len(prompts), **found.shape()}
    if out:
        with whole(out) as file:
            file.write(json.dumps(result, indent=1).encode())
    run.screen.emit(result)
    run.screen.say(
        f"{relation.name}: AUC {found.auc:.3f} ({found.low:.3f} to {found.high:.3f}) on {found.true} true and {found.false} false"
    )
    run.screen.say(f"one plain prompt: AUC {found.auc_one_prompt:.3f}; {found.pairs_per_second:,.1f} tuples a second")
    run.screen.say(
        found.doubt or f"the seeds alone: AUC {percent(found.seeds_auc)}, chance {found.p_value:.2g}: the model knows this relation"
    )
