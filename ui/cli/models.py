"""``kg models``: the weights of models that run on this machine, and whether a model answers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadRequest, KgError, NotFound
from ui.cli.command import Run, add, group

if TYPE_CHECKING:
    from kgplatform.lm.trial import Trial

app = group("Models: what there is, fetching weights, and trying one out.")


@add(app, "list", example="kg models list")
def list_(run: Run) -> None:
    """List the models that can run on this machine, which of them are here, and the configured chat model where that is another."""
    from kgplatform.lm import weights
    from kgplatform.lm.modelcards import cards

    rows = []
    for card in cards().values():
        role = f"{card.role}, chat" if card.chats and card.role != "chat" else card.role
        here = weights.present(card.name, run.settings.home)
        row: dict[str, object] = {"name": card.name, "role": role, "title": card.title, "licence": card.licence, "note": card.note}
        run.screen.emit({**row, "bytes": card.size, "default": card.default, "present": here})
        rows.append((card.name, role, f"{card.size / 1e6:,.0f} MB", card.licence, "yes" if here else "no", card.note))
    chat = run.settings["KG_CHAT_MODEL"]
    if chat and chat.removeprefix("local:") not in cards():
        note = "the configured chat model: kg models test tries it out"
        row = {"name": chat, "role": "chat", "title": chat, "licence": None, "note": note}
        run.screen.emit({**row, "bytes": None, "default": False, "present": None})
        rows.append((chat, "chat", "", "", "", note))
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


@add(app, "test", example="kg models test\nkg models test local:qwen2.5-coder-1.5b\nkg models test openai:gpt-5-mini --json")
def test(
    run: Run,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A chat model, or a model of  kg models list; none: all that are configured.")
    ] = None,
) -> None:
    """Ask a model something: a sample of its answer, seconds, speed, context length, and whether answers can be bound to a schema.

    A chat model is asked two short questions, within the limits and budgets that are set.
    """
    failures = [failure for role, model in _wanted(run, name) if (failure := _try(run, role, model))]
    for failure in failures[1:]:
        run.screen.note(f"kg: {failure}")
    if failures:
        raise failures[0]


def _wanted(run: Run, name: str | None) -> list[tuple[str, str]]:
    """The roles to try, each with its model."""
    from kgplatform.lm.modelcards import card, cards, names_file

    if name is None:
        settings = {"scorer": "KG_SCORER_MODEL", "encoder": "KG_ENCODER_MODEL", "chat": "KG_CHAT_MODEL"}
        return [(role, run.settings[setting]) for role, setting in settings.items() if run.settings[setting]]
    if ":" in name and not name.startswith("local:"):
        return [("chat", name)]
    wanted = name.removeprefix("local:")
    if wanted not in cards() and not names_file(wanted) and name == wanted:
        raise NotFound(f"no local model is called {name!r}: there are {', '.join(cards())}, or name a provider's model, like openai:{name}")
    if names_file(wanted):
        return [("chat", f"local:{wanted}")]
    found = card(wanted)
    roles = [role for role, has in ((found.role, found.role in ("scorer", "encoder")), ("chat", found.chats)) if has]
    if not roles:
        raise BadRequest(f"{name} finds mentions in texts; it has no answer to try:  kg harvest documents  uses it")
    return [(role, f"local:{wanted}") for role in roles]


def _try(run: Run, role: str, model: str) -> KgError | None:
    """Show how one model does in a role, or return why it does nothing, which JSON shows too."""
    try:
        loaded, seen = _seen(run, role, model)
    except KgError as error:
        run.screen.emit({"role": role, "model": model, "error": str(error)})
        return error
    run.screen.emit({"role": role, "seconds_to_load": round(loaded, 3), **seen.row()})
    run.screen.say(f"{role}  {seen.model}: {seen.sample}")
    notes = [f"loaded in {loaded:.1f} s", f"answered in {seen.seconds:.2f} s", f"{seen.rate:,.1f} {seen.unit}/s"]
    if seen.context:
        notes.append(f"context {seen.context:,} tokens")
    if seen.binds is not None:
        notes.append("binds answers to a schema" if seen.binds else "does not bind answers to a schema: it is told and checked")
    run.screen.say(f"      {', '.join(notes)}")
    return None


def _seen(run: Run, role: str, model: str) -> tuple[float, Trial]:
    """Seconds to open a model, and what it did."""
    from kgplatform import opening
    from kgplatform.lm import trial
    from kgplatform.lm.wrapping import counted

    begun = time.perf_counter()
    if role == "chat":
        bare = opening.bare_chat(run.settings, model)
        chat, loaded = counted(bare, run.settings), time.perf_counter() - begun
        return loaded, replace(trial.chat(chat), binds=getattr(bare, "binds", None))
    if role == "scorer":
        scorer = opening.bare_scorer(run.settings, model)
        return time.perf_counter() - begun, trial.scorer(scorer)
    encoder = opening.bare_encoder(run.settings, model)
    return time.perf_counter() - begun, trial.encoder(encoder)
