"""``kg models``: the weights of models that run on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from ui.cli.command import Run, add, group

app = group("Local models: what there is, and fetching their weights.")


@add(app, "list", example="kg models list")
def list_(run: Run) -> None:
    """List the models that can run on this machine, and which of them are here."""
    from kgplatform.lm import weights
    from kgplatform.lm.modelcards import cards

    here = {name: weights.present(name, run.settings.home) for name in cards()}
    for card in cards().values():
        row = {"name": card.name, "role": card.role, "title": card.title, "licence": card.licence, "note": card.note}
        run.screen.emit({**row, "bytes": card.size, "default": card.default, "present": here[card.name]})
    rows = ((c.name, c.role, f"{c.size / 1e6:,.0f} MB", c.licence, "yes" if here[c.name] else "no", c.note) for c in cards().values())
    run.screen.table(("model", "role", "size", "licence", "here", "note"), rows)


@add(app, "fetch", example="kg models fetch\nkg models fetch qwen2.5-coder-1.5b")
def fetch(
    run: Run,
    name: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Models; none: the default ones.")] = None,
) -> None:
    """Fetch weights and prove them by their hashes; what is here already is left alone."""
    from contextlib import nullcontext

    from kgplatform.lm import weights
    from kgplatform.lm.modelcards import card, cards

    wanted = [card(one) for one in name] if name else [one for one in cards().values() if one.default]
    for one in wanted:
        was_here = weights.present(one, run.settings.home)
        with nullcontext() if run.screen.quiet else weights.bars() as progress:
            folder = weights.fetch(one, run.settings.home, progress)
        run.screen.emit({"name": one.name, "folder": str(folder), "fetched": not was_here})
        run.screen.say(f"{one.name}: {'was here' if was_here else 'fetched'}  {folder}")
