"""``kg demo``: the whole loop on the world that ships, step by step, and how right it is.

Each step is the same call that the commands make; nothing is prepared. Run again unchanged, every step finds
what is there and adds nothing.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kgplatform.names import normalise
from kgplatform.types import Fact, Receipt, in_words
from ui import shapes
from ui.cli.screen import percent
from ui.demo import world

if TYPE_CHECKING:
    from ui.cli.command import Run

GRAPH = "demo"
PREDICTIONS = 10
SAMPLES = 3


def go(run: Run) -> None:
    """Harvest, complete, ask, judge; raises what the steps raise."""
    with _step(run, "1", f"the graph: {run.graph.store.address}"):
        before = {fact.key for fact in run.graph.facts(status="all")}
        run.screen.say(f"   it holds {len(before)} facts" if before else "   it is empty")
    receipt = _from_texts(run) + _from_memory(run) + _completed(run)
    answered = _asked(run)
    if before and not receipt.new and not receipt.merged:
        run.screen.say()
        run.screen.say("Nothing was added: the graph already held all of it.")
    _judged(run, answered, receipt)


@contextmanager
def _step(run: Run, number: str, title: str) -> Iterator[None]:
    run.screen.say()
    run.screen.say(f"{number}. {title}")
    start = time.monotonic()
    yield
    run.screen.note(f"   ({time.monotonic() - start:.0f} s)")


def _from_texts(run: Run) -> Receipt:
    from harvest import documents, shipped

    texts, _ = documents.read_all([world.TEXTS])
    with (
        _step(run, "2", f"reading {len(texts)} texts: mentions, pairs of a sentence, relations"),
        run.screen.progress("reading") as progress,
    ):
        report = documents.harvest(
            run.graph,
            texts,
            scorer=run.scorer,
            encoder=run.encoder,
            reader=run.reader,
            cards=list(shipped.relations().values()),
            kinds=shipped.kinds(),
            progress=progress,
            run=GRAPH,
        )
    run.screen.say(f"   {report.sentences} sentences, {report.judged} pairs judged: {shapes.receipt(report.receipt)}")
    sources = {candidate.evidence.source.id for candidate in report.candidates}
    _samples(run, [fact for fact in run.graph.facts() if "text" in fact.methods and sources.intersection(fact.sources)])
    return report.receipt


def _from_memory(run: Run) -> Receipt:
    from harvest import bertnet, shipped

    cards = [shipped.relations()[name] for name in world.FROM_MEMORY]
    named = " and ".join(f"“{name}”" for name in world.FROM_MEMORY)
    with _step(run, "3", f"asking the language model from memory: {named}"), run.screen.progress("scoring pairs") as progress:
        models = bertnet.Models(run.scorer, run.encoder)
        report = bertnet.harvest(run.graph, cards, models, progress=progress, run=GRAPH)
    for outcome in report.outcomes:
        known = f"{len(outcome.found)} pairs scored, {len(outcome.kept)} kept"
        auc = f" (AUC on the card's seeds {outcome.learnt.auc:.2f})" if outcome.learnt else ""
        run.screen.say(f"   {outcome.relation}: {'; '.join(outcome.notes) or known + auc}")
    run.screen.say(f"   {shapes.receipt(report.receipt)}")
    return report.receipt


def _completed(run: Run) -> Receipt:
    from reasoning import links

    with _step(run, "4", "training ComplEx on the graph, predicting missing links"), run.screen.progress("learning") as progress:
        report = links.complete(run.graph, PREDICTIONS, device=run.settings["KG_DEVICE"], progress=progress)
    if report.note:
        run.screen.say(f"   {report.note}")
    for proposal in report.proposals[:SAMPLES]:
        run.screen.say(f"   {percent(proposal.confidence):>5}  {proposal.head.name} | {proposal.relation} | {proposal.tail.name}")
    receipt = report.receipt or Receipt()
    run.screen.say(f"   {len(report.proposals)} predicted: {shapes.receipt(receipt)}")
    return receipt


def _asked(run: Run) -> int:
    """Show the first questions with their walks; the number of all that are answered exactly."""
    from reasoning.agent.ask import Guide
    from ui.cli.answers import show_walks, walked

    right = 0
    with _step(run, "5", "asking, with no language model: each answer is a walk"):
        guide = Guide(run.graph.facts(), run.graph.relations(), run.graph.kinds(), run.encoder)
        for number, (question, expected) in enumerate(world.questions()):
            answer = guide.answer(question)
            right += {normalise(in_words(end)) for end in answer.answers} == expected
            if number < world.QUESTIONS_SHOWN:
                for line in ("", f"   {question}", f"   → {answer.text}"):
                    run.screen.say(line)
                show_walks(run, walked(run, answer.paths[:SAMPLES]))
    return right


def _samples(run: Run, facts: list[Fact]) -> None:
    for fact in sorted(facts, key=lambda fact: (-fact.confidence, fact.key))[:SAMPLES]:
        run.screen.say(f"   {percent(fact.confidence):>5}  {shapes.triple(fact)}")
        quote = next((piece.quote for piece in run.graph.store.evidence(fact.key) if piece.quote), "")
        run.screen.say(f"          “{' '.join(quote.split())}”")


def _judged(run: Run, answered: int, receipt: Receipt) -> None:
    """Precision and recall against the labelled list, by what made the facts; and the questions."""
    kg, gold = run.graph, world.gold()
    symmetric = frozenset(name for name, card in kg.relations().items() if card.symmetric)
    current = list(kg.facts())
    read = [fact for fact in current if "text" in fact.methods]
    remembered = [fact for fact in current if "memory" in fact.methods]
    predicted = [fact for fact in kg.facts(status="predicted") if "graph" in fact.methods]
    known = frozenset(one for one in gold.true if one[1] in world.FROM_MEMORY)
    run.screen.say()
    run.screen.say(f"How right it is, by a list of {len(gold.true)} true facts ({len(gold.stated)} stated in the texts):")
    rows, tallies = [], {}
    for name, facts, expected in (
        ("from the texts", read, gold.stated),
        ("from memory", remembered, known),
        ("predicted", predicted, frozenset[world.Triple]()),
    ):
        found = world.tally(facts, expected, gold.true, symmetric)
        tallies[name] = dataclasses.asdict(found) | {"precision": found.precision, "recall": found.recall}
        recall = f"{percent(found.recall)} of {found.expected}" if found.expected else "–"
        rows.append((name, found.found, found.right, percent(found.precision) if found.found else "–", recall))
    run.screen.table(("facts", "found", "right", "precision", "recall"), rows)
    asked = len(world.questions())
    run.screen.say(f"questions answered exactly: {answered} of {asked}")
    added = {"new": receipt.new, "merged": receipt.merged, "unchanged": receipt.unchanged}
    run.screen.emit({"facts": len(current), **added, "judged": tallies, "questions": asked, "answered": answered})
