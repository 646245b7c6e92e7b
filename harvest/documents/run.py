"""Harvest facts out of documents: mentions, pairs, relations; each document is stored as it is finished.

Every fact carries its sentence, the document, character offsets, the model and the score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harvest import shipped
from harvest.documents import coreference
from harvest.documents.kinds import KindGuesser
from harvest.documents.mentions import Reader, Sentence
from harvest.documents.pairs import Pair, pairs
from harvest.documents.read import Document
from harvest.documents.relate import Judge, Likely
from kgplatform.cards import datatype
from kgplatform.errors import BadCard
from kgplatform.graph import Added, KnowledgeGraph
from kgplatform.linking import Unlinked
from kgplatform.literals import literal
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Candidate, Evidence, Kind, Literal, Mention, Receipt, Relation

UNTYPED = ("DATE", "YEAR", "NUMBER", "PRONOUN")


@dataclass(frozen=True, slots=True)
class Report:
    """What reading did: documents and sentences read, pairs that were judged, and what was put.

    In a dry run ``candidates`` says what would be put and the receipt is empty.
    """

    documents: int
    sentences: int
    judged: int
    candidates: tuple[Candidate, ...]
    receipt: Receipt
    unlinked: tuple[Unlinked, ...]
    cards: tuple[str, ...]


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
    run: str = "",
) -> Report:
    """Search documents (``read_all``) for the relations of ``cards``; put what is likely.

    Without cards or kinds, those that ship are used and the graph's own. Raises ``BadCard`` for a card without prompts or
    with a kind that is not there.
    """
    if cards is None:
        cards = [card for card in {**shipped.relations(), **kg.relations()}.values() if card.prompts]
    kinds = {**shipped.kinds(), **kg.kinds()} if kinds is None else kinds
    _check_kinds(cards, kinds)
    extractor = Extractor(scorer, encoder, reader, cards, kinds)
    if not dry_run:
        kg.learn(cards, kinds.values())
    report = Report(0, 0, 0, (), Receipt(), (), tuple(card.name for card in cards))
    for done, document in enumerate(documents):
        if progress:
            progress(done, len(documents))
        found = extractor.extract(document, run)
        added = Added(Receipt()) if dry_run else _keep(kg, document, found.candidates)
        report = Report(
            report.documents + 1,
            report.sentences + found.sentences,
            report.judged + found.judged,
            report.candidates + found.candidates,
            report.receipt + added.receipt,
            report.unlinked + added.unlinked,
            report.cards,
        )
    if progress:
        progress(len(documents), len(documents))
    return report


def _keep(kg: KnowledgeGraph, document: Document, candidates: Sequence[Candidate]) -> Added:
    """The text before its facts: what they quote can then always be read."""
    kg.add_document(document.source, document.text)
    return kg.add(candidates)


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
    if report.candidates:
        return
    yield f"no fact was found in {report.documents} document(s) with {report.sentences} sentence(s)"
    yield f"{len(report.cards)} relation cards were tried: {', '.join(report.cards)}"
    yield "to look for another relation, write a card for it (see  kg relations show 'born in') and name it with  --card FILE"
