"""``kg interactions``: who took what, kept beside the graph, and what is learned from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from kgplatform.errors import BadRequest
from ui.cli.command import AsJob, DryRun, Run, add, group
from ui.shapes import many
from ui.tasks import mirroring, recommending

app = group("Who took what: kept beside the graph, outside belief, and learned from to recommend.")
_FEW = 3


@add(app, "add", example="kg interactions add ratings.csv\nkg interactions add data/ml100k_kg")
def add_(
    run: Run,
    source: Annotated[Path, typer.Argument(metavar="PATH", help="A table (user, item, rating, time), or files of RecBole or DiffKG.")],
    link: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Which entity each item is: a table with columns item and entity.")
    ] = None,
    rating: Annotated[float | None, typer.Option(metavar="X", help="Leave out what is rated lower.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Keep interactions beside the graph, and find the entities that their items are.

    An item is the entity that a file links it to, or that has its id, or the only one that bears its name.
    """
    from reasoning.recommend.aligning import align
    from reasoning.recommend.beside import Item
    from reasoning.recommend.catalogue import brought

    found = brought(source, link)
    taken = found.interactions if rating is None else found.interactions.at_least(rating)
    aligned = align(run.graph, {item: found.names.get(item, "") for item in taken.items}, found.links)
    items = {item: Item(found.names.get(item, ""), aligned.entities.get(item, ""), found.texts.get(item, "")) for item in taken.items}
    told = {"users": len(taken.users), "items": len(taken.items), "in_graph": len(aligned.entities), "ambiguous": len(aligned.ambiguous)}
    if dry_run:
        run.screen.emit({"dry_run": True, "interactions": len(taken), **told})
        run.screen.say(
            f"{many(len(taken), 'interaction')} of {many(told['users'], 'user')}, {many(told['items'], 'item')}; nothing written"
        )
    else:
        added = run.beside.add(taken, items)
        run.screen.emit({"dry_run": False, **dataclasses.asdict(added), **told})
        run.screen.say(f"{added.new:,} new interactions, {added.again:,} that were there; {added.total:,} in all")
    run.screen.say(f"entities of the graph: {told['in_graph']:,} of {many(told['items'], 'item')}")
    if (again := found.rows - len(found.interactions)) > 0 and len(taken):
        run.screen.note(f"kg: {again:,} of {found.rows:,} rows name a pair again: the latest counts")
    if lost := [item for item in taken.items if item in found.links and item not in aligned.entities]:
        words = ", ".join(found.links[item] for item in lost[:_FEW])
        run.screen.note(f"kg: the graph has no entities for {many(len(lost), 'item')} ({words}): add the items again once it has")
    if aligned.ambiguous:
        few = ", ".join(aligned.ambiguous[:_FEW])
        run.screen.note(f"kg: the words for {many(told['ambiguous'], 'item')} fit several entities ({few}): say by  --link  which")


@add(app, "show", example="kg interactions show --json")
def show(run: Run) -> None:
    """Show what is kept, whether something can be learned from it, and what was."""
    from reasoning.recommend.answer import Desk
    from reasoning.recommend.health import Health
    from ui import recommend_words

    health = Health.of(run.beside.read())
    desk = Desk(run.beside)
    learned = desk.served.told if desk.learned else None
    run.screen.emit({**dataclasses.asdict(health), "recommender": learned})
    told = f"{learned['model']}, learned from {learned['interactions']:,}" if learned else "none yet:  kg interactions learn"
    rows = {**recommend_words.health(health), "recommender": told}.items()
    run.screen.table(("what", "how many"), rows)
    for doubt in health.doubts:
        run.screen.say(doubt)


@add(app, "learn", example="kg interactions learn --job\nkg interactions learn --model lightgcn")
def learn(
    run: Run,
    model: Annotated[str, typer.Option(metavar="NAME", help="The recommender; auto: the one that recommends best.")] = recommending.MODEL,
    dim: Annotated[int | None, typer.Option(metavar="N", help="Numbers that describe a user or item.")] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="How often all interactions are gone through, at most.")] = None,
    batch: Annotated[int | None, typer.Option(metavar="N", help="Interactions that are learned from at once.")] = None,
    rate: Annotated[float | None, typer.Option(metavar="X", help="The learning rate.")] = None,
    reg: Annotated[float | None, typer.Option(metavar="X", help="The weight of the penalty.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Another number gives another training.")] = None,
    review: Annotated[bool, typer.Option("--review", help="Doubt facts that diffusion prunes again and again, and propose links.")] = False,
    new_items: Annotated[bool, typer.Option("--new-items", help="Recommend items that nobody took too, by what is told of them.")] = False,
    resume: Annotated[str, typer.Option("--resume", metavar="RUN", help="Go on with a training that broke off.")] = "",
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Learn to recommend from the interactions, and from the graph about their items; then  kg recommend USER  answers at once."""
    told = {"dim": dim, "epochs": epochs, "batch": batch, "rate": rate, "reg": reg, "seed": seed}
    given = {name: value for name, value in told.items() if value is not None}
    arguments = recommending.arguments(model=model, given=given, review=review, new_items=new_items, dry_run=dry_run)
    run.do("interactions learn", arguments, partial(_learned, run), job=job, resume=resume)


def _learned(run: Run, result: Mapping[str, Any]) -> None:
    run.screen.emit(result)
    if result["dry_run"]:
        run.screen.say(
            f"{result['model']} on {many(result['interactions'], 'interaction')} of {many(result['users'], 'user')}; nothing learned"
        )
        return
    for name, ndcg in sorted(result["tried"].items(), key=lambda one: -one[1]):
        run.screen.say(f"{name}: NDCG {ndcg:.3f} of the interactions that were held back")
    recall, ndcg = (result[f"{name}@{recommending.TOP}"] for name in ("recall", "ndcg"))
    run.screen.say(f"{result['model']}, {result['epochs']:,} epochs on {many(result['interactions'], 'interaction')}")
    if result["new_items"]:
        run.screen.say(f"by what is told of them, {many(result['new_items'], 'item')} that nobody took can be recommended")
    if told := result["reviewed"]:
        doubts = f"{told['pruned']:,} facts were pruned again and again, {told['doubted']:,} of them are doubted now"
        back = "".join(f":  kg forget {source}  takes it back" for source in told["sources"][:1])
        run.screen.say(f"{doubts}; {told['links']:,} links are proposed{back}")
    tested = f"{many(result['users_tested'], 'interaction')} by which it was chosen and that it was not shown, one of each user"
    run.screen.say(f"of {tested}, {recall:.1%} are among the first {recommending.TOP} (NDCG {ndcg:.3f})")


@add(app, "mirror", example='kg interactions mirror\nkg query "MATCH (u:User {id: $u})-[:INTERACTED]->(e) RETURN e.name" --param u=ada')
def mirror(
    run: Run,
    drop: Annotated[bool, typer.Option("--drop", help="Take them out of the graph server again.")] = False,
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Write interactions into the graph server too, so that Cypher reads (:User)-[:INTERACTED]->(:Entity).

    Nothing else sees them there: facts, counts, searches and backups are as before.
    """
    run.do("interactions mirror", mirroring.arguments(drop=drop, dry_run=dry_run), partial(_mirrored, run), job=job)


def _mirrored(run: Run, result: Mapping[str, Any]) -> None:
    run.screen.emit(result)
    would = "would be" if result["dry_run"] else "are"
    if "dropped" in result:
        run.screen.say(f"{many(result['dropped'], 'interaction')} {would} taken out of the graph server; they stay beside the graph")
        return
    run.screen.say(
        f"{many(result['kept'], 'interaction')} {would} in the graph server; {result['skipped']:,} of items that are no entities"
    )


@add(app, "forget", example="kg interactions forget --user 196\nkg interactions forget --all")
def forget(
    run: Run,
    user: Annotated[list[str] | None, typer.Option("--user", metavar="USER", help="What this user took; may be given again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All interactions, and the recommender.")] = False,
) -> None:
    """Take interactions back. A recommender that was learned from them goes too, and their mirror in the graph server: make both anew."""
    if bool(user) == everything:
        raise BadRequest("say whose interactions are to be forgotten by  --user USER,  or  --all")
    gone, mirrored = run.forget_interactions(user or ())
    run.screen.emit({"forgotten": gone, "mirrored": mirrored})
    run.screen.say(f"{many(gone, 'interaction')} forgotten, and what was learned from them")
    if mirrored:
        run.screen.note(f"kg: the mirror of {many(mirrored, 'interaction')} is gone too:  kg interactions mirror  makes it anew")
