"""Harvest facts out of documents: mentions, pairs, relations; each document is stored as it is finished.

Every fact carries its sentence, the document, character offsets, the model and the score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial

from harvest import shipped
from harvest.documents import coreference
from harvest.documents.kinds import KindGuesser
from harvest.documents.mentions import Reader, Sentence
from harvest.documents.pairs import Pair, pairs
from harvest.documents.read import Document
from harvest.documents.relate import Judge, Likely
from kgplatform import names
from kgplatform.cards import datatype
from kgplatform.difference import Before, Difference
from kgplatform.errors import BadCard, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct, Result, Steps
from kgplatform.linking import Linked, Unlinked, link
from kgplatform.literals import literal
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Candidate, Evidence, Kind, Literal, Mention, Receipt, Refusal, Relation, SourceId

UNTYPED = ("DATE", "YEAR", "NUMBER", "PRONOUN")
KEPT = 1_000
"""Candidates and reasons that a report holds of each sort; beyond, they are only counted."""


@dataclass(frozen=True, slots=True)
class Report:
    """What reading did: documents and sentences read, pairs that were judged, how many candidates were ``found``, and what was put.

    ``candidates``, ``unlinked`` and the receipt's refusals are the first ``KEPT`` of what this call met itself. ``passed`` documents were
    read at an earlier time and are as they were; ``failed`` ones could not be kept; ``forgotten`` is how many sources were. In a dry run
    the receipt is empty, and nothing ``changed``.
    """

    documents: int
    sentences: int
    judged: int
    found: int
    candidates: tuple[Candidate, ...]
    receipt: Receipt
    unlinked: tuple[Unlinked, ...]
    cards: tuple[str, ...]
    passed: int = 0
    failed: int = 0
    forgotten: int = 0
    changed: Difference = field(default_factory=Difference)


def harvest(
    kg: KnowledgeGraph,
    documents: Sequence[Document],
    *,
    scorer: TokenScorer,
    encoder: Encoder,
    reader: Reader,
    cards: Sequence[Relation] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
    again: bool = False,
    run: str = "",
    steps: Steps | None = None,
    gone: Sequence[SourceId] = (),
) -> Report:
    """Search documents (``read_all``) for the relations of ``cards``; put what is likely. Then forget the sources that are ``gone``.

    Without cards or kinds, those that ship are used and the graph's own. With ``steps`` that are kept, documents that were read before with
    these models and cards are passed over unless they are to be read ``again``. Raises ``BadCard`` for a card without prompts or with a
    kind that is not there.
    """
    if cards is None:
        cards = [card for card in {**shipped.relations(), **kg.relations()}.values() if card.prompts]
    kinds = {**shipped.kinds(), **kg.kinds()} if kinds is None else kinds
    _check_kinds(cards, kinds)
    steps = steps or Direct(run, progress)
    reading = _Reading(kg, Extractor(scorer, encoder, reader, cards, kinds), steps, dry_run)
    revision = names.digest(scorer.name, encoder.name, repr(cards), repr(sorted(kinds.items())))
    if not dry_run:
        kg.learn(cards, kinds.values())
    for done, document in enumerate(documents):
        steps.progress(done, len(documents))
        reading.take(document, f"{document.source.id}@{revision}", again)
    for source in () if dry_run else gone:
        reading.forget(source)
    steps.progress(len(documents), len(documents))
    return reading.report(cards)


class _Reading:
    """Takes document after document and adds up what came of them."""

    def __init__(self, kg: KnowledgeGraph, extractor: Extractor, steps: Steps, dry_run: bool) -> None:
        self._kg, self._extractor, self._steps, self._dry_run = kg, extractor, steps, dry_run
        self._sums: Counter[str] = Counter()
        self._before = Before(kg, steps)
        self._candidates: list[Candidate] = []
        self._unlinked: list[Unlinked] = []
        self._refused: list[Refusal] = []

    def take(self, document: Document, key: str, again: bool) -> None:
        """Read a document, unless this work has done so and the graph still has it.

        What was believed before is a step of its own: after a kill in the middle of the next it is still known.
        """

        def kept(_: Result) -> bool:
            return self._kg.store.document(document.source.id) is not None

        earlier = None if again or self._dry_run else self._steps.earlier(key)
        if earlier is not None and kept(earlier):
            self._sums["passed"] += 1
            return
        extract = cache(partial(self._extract, document))
        if not self._dry_run and not self._before.look(key, lambda: extract()[1].claims):
            self._sums["failed"] += 1
            return
        result = self._steps.step(key, lambda: self._put(document, *extract()), kept)
        self._sums.update({"failed": 1} if result is None else {"documents": 1, **result})

    def _extract(self, document: Document) -> tuple[Extract, Linked]:
        extract = self._extractor.extract(document, self._steps.run)
        self._candidates += extract.candidates[: KEPT - len(self._candidates)]
        return extract, Linked(()) if self._dry_run else link(extract.candidates, self._kg.store, self._kg.kinds())

    def _put(self, document: Document, extract: Extract, linked: Linked) -> dict[str, int]:
        """The text is kept before its facts: what they quote can then always be read."""
        counts = {"sentences": extract.sentences, "judged": extract.judged, "found": len(extract.candidates)}
        if self._dry_run:
            return counts
        self._kg.add_document(document.source, document.text)
        receipt = self._kg.put(linked.claims)
        self._unlinked += linked.unlinked[: KEPT - len(self._unlinked)]
        self._refused += receipt.refused[: KEPT - len(self._refused)]
        return counts | {"new": receipt.new, "merged": receipt.merged, "unchanged": receipt.unchanged}

    def forget(self, source: SourceId) -> None:
        """Withdraw a source with all that rested on it; one that is not there has been."""

        def effect() -> None:
            with suppress(NotFound):
                self._kg.forget(source)

        def gone(_: Result) -> bool:
            return self._kg.store.document(source) is None

        if self._before.look(key := f"forget {source}", sources=[source]):
            self._sums["forgotten"] += self._steps.step(key, effect, gone) is not None

    def report(self, cards: Sequence[Relation]) -> Report:
        sums = self._sums
        return Report(
            sums["documents"],
            sums["sentences"],
            sums["judged"],
            sums["found"],
            tuple(self._candidates),
            Receipt(sums["new"], sums["merged"], sums["unchanged"], tuple(self._refused)),
            tuple(self._unlinked),
            tuple(card.name for card in cards),
            sums["passed"],
            sums["failed"],
            sums["forgotten"],
            self._before.difference(),
        )


def _check_kinds(cards: Sequence[Relation], kinds: Mapping[str, Kind]) -> None:
    """A kind that nobody described is never guessed, and its card would find nothing."""
    for card in cards:
        wanted = card.domain if datatype(card) else (*card.domain, *card.range)
        if unknown := next((kind for kind in wanted if kind not in kinds), None):
            raise BadCard(f"{card.name!r} speaks of the kind {unknown!r}, which is not described: kinds are {', '.join(sorted(kinds))}")


@dataclass(frozen=True, slots=True)
class Extract:
    """What one document gave."""

    sentences: int
    judged: int
    candidates: tuple[Candidate, ...]


class Extractor:
    """Reads one document at a time; knows no store."""

    def __init__(self, scorer: TokenScorer, encoder: Encoder, reader: Reader, cards: Sequence[Relation], kinds: Mapping[str, Kind]) -> None:
        self._reader, self._cards, self._kinds = reader, cards, kinds
        self._guesser = KindGuesser(scorer, encoder, kinds)
        self._judge = Judge(scorer, encoder, cards)
        self._model = scorer.name
        self._said = {_stem(word) for card in cards for word in f"{card.name} {card.inverse} {card.definition}".split()}

    def extract(self, document: Document, run: str = "") -> Extract:
        """The candidates of a document that the judge finds likely, best first within a sentence."""
        sentences = coreference.resolve(self.with_kinds(self._reader.sentences(document.text)))
        found = [pair for sentence in sentences for pair in pairs(sentence, self._cards, self._kinds)]
        likely = strongest(self._judge.likely(found))
        candidates = tuple(self._candidate(document, pair, score, detail, run) for pair, score, detail in likely)
        return Extract(len(sentences), len(found), candidates)

    def with_kinds(self, sentences: Sequence[Sentence]) -> list[Sentence]:
        """The sentences with the kind of every named span; the same name is of one kind throughout."""
        labels: dict[str, str] = {}
        for span in (span for sentence in sentences for span in sentence.spans if span.label not in UNTYPED):
            # A common noun that a card is worded with (*discoverer*) speaks of the relation and names nothing.
            if span.label != "NOUN" or _stem(span.name) not in self._said:
                labels.setdefault(span.name, span.label)
        guessed = dict(zip(labels, self._guesser.guess(list(labels), list(labels.values())), strict=True))
        return [
            replace(sentence, spans=tuple(replace(span, kind=guessed.get(span.name, "")) for span in sentence.spans))
            for sentence in sentences
        ]

    def _candidate(self, document: Document, pair: Pair, score: float, detail: Mapping[str, str], run: str) -> Candidate:
        evidence = Evidence(
            "text",
            document.source,
            score,
            self._model,
            quote=document.text[pair.sentence.start : pair.sentence.end],
            start=pair.sentence.start,
            end=pair.sentence.end,
            head_words=pair.head.words,
            tail_words=pair.tail.words,
            run=run,
            detail=tuple(sorted(detail.items())),
        )
        return Candidate(Mention(pair.head.name, pair.head.kind), pair.card.name, tail(pair), evidence)


def _stem(word: str) -> str:
    return word.strip(".,;:()").casefold()[:6]


def strongest(likely: Sequence[Likely]) -> list[Likely]:
    """Each fact once a sentence, by its best pair, best first: two mentions of one head are one piece of evidence."""
    kept: dict[tuple[object, ...], Likely] = {}
    for one in sorted(likely, key=lambda one: (one.pair.sentence.start, -one.score)):
        head, end = one.pair.head.name, tail(one.pair)
        fact = tuple(sorted((head, end.name))) if one.pair.card.symmetric and isinstance(end, Mention) else (head, end)
        kept.setdefault((one.pair.sentence.start, one.pair.card.name, fact), one)
    return list(kept.values())


def tail(pair: Pair) -> Mention | Literal:
    """The tail as a candidate has it: words, or a value in its canonical form."""
    wanted = datatype(pair.card)
    if wanted is None:
        return Mention(pair.tail.name, pair.tail.kind)
    return literal(pair.tail.name[:4] if wanted == "year" else pair.tail.name, wanted)


def advice(report: Report) -> Iterator[str]:
    """What to tell a person whose documents gave nothing: the cards tried, and what to do."""
    if report.passed and not report.documents:
        yield f"nothing is new: {report.passed:,} document(s) were read before, with these cards; --again reads them anew"
    if report.found or not report.documents:
        return
    yield f"no fact was found in {report.documents} document(s) with {report.sentences} sentence(s)"
    yield f"{len(report.cards)} relation cards were tried: {', '.join(report.cards)}"
    yield "to look for another relation, write a card for it (see  kg relations show 'born in') and name it with  --card FILE"
