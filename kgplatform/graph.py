"""``KnowledgeGraph``: the Python face of one graph, over any store.

Everything that is written comes through ``put``: claims are brought to the form their relation cards
allow, and what cannot be stored is refused with a reason instead of being dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Unpack

from kgplatform import belief, cards, claiming, derivation, fields, interacting, names, reviewing
from kgplatform import similar as similarity
from kgplatform.claiming import KEYING, Added
from kgplatform.conflicts import Conflict
from kgplatform.errors import BadRequest, NotFound
from kgplatform.explanation import Event, Explanation, Reason
from kgplatform.facts import Facts, Which
from kgplatform.library import Context
from kgplatform.linking import blocks, link, withdrawing
from kgplatform.linking.deciding import Pair
from kgplatform.linking.linker import ASK, Linker
from kgplatform.linking.withdrawing import Parted
from kgplatform.lm.ports import Encoder
from kgplatform.ports import Progress
from kgplatform.reader import Reader
from kgplatform.store import merging
from kgplatform.types import (
    Candidate,
    Claim,
    EntityId,
    Evidence,
    Fact,
    FactQuery,
    Forgotten,
    Kind,
    Merge,
    Mirrored,
    Receipt,
    Refusal,
    Relation,
    Source,
    SourceId,
    in_words,
    is_probability,
)

if TYPE_CHECKING:
    from kgplatform.formats.loading import Loaded

__all__ = ["KEYING", "Added", "Conflict", "Context", "Event", "Explanation", "Facts", "KnowledgeGraph", "Reason"]


class KnowledgeGraph(Reader):
    """One graph; made by ``kgplatform.connect()``. Use it as a context manager, or ``close`` it."""

    def __enter__(self) -> KnowledgeGraph:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.store.close()

    # vocabulary

    def learn(self, relations: Iterable[Relation] = (), kinds: Iterable[Kind] = ()) -> None:
        """Add or replace cards and kinds; what is there already unchanged is not written again.

        Raises ``BadCard`` when a card would give the facts of its relation other keys.
        """
        new, taxonomy = self.check(relations), self.kinds()
        self.store.learn(new, [kind for kind in names.listed(kinds, Kind, "kinds are learned as") if taxonomy.get(kind.name) != kind])

    def check(self, relations: Iterable[Relation]) -> list[Relation]:
        """The cards that are new or other than those that are there. Raises ``BadCard`` as ``learn`` does, and writes nothing."""
        return claiming.news(self.store, relations)

    # writing

    def put(self, claims: Iterable[Claim]) -> Receipt:
        """The only way in. What breaks its relation's card comes back as refused, with the reason."""
        return claiming.put(self.store, claims)

    def canonical(self, claims: Iterable[Claim]) -> list[Claim]:
        """The claims that their cards allow, in the form in which they are kept."""
        return [claim for _, claim in claiming.sorted_out(claims, self.relations())[0]]

    def refusals(self, claims: Iterable[Claim], cards: Iterable[Relation] = ()) -> tuple[Refusal, ...]:
        """What ``put`` would refuse of these claims once ``cards`` were learned; nothing is written."""
        return claiming.refusals(claims, {**self.relations(), **{card.name: card for card in cards}})

    def add(self, candidates: Sequence[Candidate], linker: Linker | None = None, context: Mapping[str, str] | None = None) -> Added:
        """Link words to entities, by exact names or as a ``linker`` does (``context`` tells it what names mean), then ``put``."""
        candidates = list(names.listed(candidates, Candidate, "words are added as"))
        for one in candidates:
            fields.check(one)
        if linker is not None:
            if not isinstance(linker, Linker):
                raise BadRequest(f"{repr(linker)[:60]} is no linker, such as  kgplatform.linking.linker.Linker(kg.store, encoder)  is")
            linking = linker.link(candidates, context)
            receipt = self.put(linking.claims)
            asked = tuple(one for one in linking.decisions if one.verdict == "ask")
            return Added(receipt, linking.unlinked, tuple(linker.settle(linking)), asked)
        linked = link(candidates, self.store, self.kinds())
        return Added(self.put(linked.claims), linked.unlinked)

    def accept(self, fact: Fact | str, by: str = "me") -> Fact:
        """A person says that the fact holds."""
        return reviewing.judge(self.store, self.fact(fact), by, 1.0)

    def reject(self, fact: Fact | str, by: str = "me", why: str = "") -> Fact:
        """A person says that it does not."""
        return reviewing.judge(self.store, self.fact(fact), by, -1.0, why)

    def retract(self, fact: Fact | str, by: str = "me") -> Fact:
        """A person takes their verdict back; another person's stands, and a fact for which nothing else ever spoke is gone.

        Raises ``BadRequest`` when they have given none.
        """
        self.review(fact, by)
        now = reviewing.judge(self.store, self.fact(fact), by, 0.0)
        told = self.store.evidence(now.key)
        if all(piece.method == "review" and not piece.score for piece in told):
            for source in {piece.source.id for piece in told}:
                self.store.withdraw(source, [now.key])
        return now

    def review(self, fact: Fact | str, by: str = "me") -> Evidence:
        """The verdict of one person: a score of 1 accepts, of -1 rejects. Raises ``BadRequest`` when they have given none that stands."""
        return reviewing.verdict(self.store, self.fact(fact), by)

    def forget(self, source: str = "", *, run: str = "") -> Forgotten:
        """Withdraw a source with all it said and its text, or what one run observed. Raises ``NotFound`` when there is no such."""
        if bool(names.text(source, "the id of a source")) == bool(names.text(run, "the name of a run")):
            raise BadRequest("name either a source or a run to forget")
        done, parted = (self.store.forget(SourceId(source)), 0) if source else withdrawing.forget_run(self.store, run)
        if not (done.evidence or done.passages or parted):
            raise self._no_source(source) if source else self._nothing_of(run)
        return done + derivation.withdraw(self.store) if done.facts_removed or parted else done

    def would_forget_run(self, run: str) -> Forgotten:
        """What ``forget`` would take of a run, but for predictions that rest on it; nothing is written. Raises ``NotFound``."""
        if not names.text(run, "the name of a run"):
            raise BadRequest("name a run to forget")
        done = self.store.would_forget_run(run)
        if not done.evidence and not withdrawing.resting_on_none(self.store, run):
            raise self._nothing_of(run)
        return done

    def _nothing_of(self, run: str) -> NotFound:
        if withdrawing.merged_by(self.store, run):
            return NotFound(f"the run {run[:120]!r} only merged what others speak of:  kg review undo run:{run}  parts it")
        return NotFound(f"the graph has nothing of a run {run[:120]!r}: see  kg jobs list")

    def publish(self, calibration: belief.Calibration) -> int:
        """Believe by another table from now on; every fact is computed anew, ``belief_rev`` says by which. How many were."""
        return self.store.publish(calibration)

    def merge(self, keep: str, other: str, by: str = "me") -> Merge:
        """Say that two entities, given by ids or names, are one. Every fact of ``other`` becomes one of ``keep``; ``undo`` takes it back.

        Raises ``NotFound``, ``Ambiguous``, or ``BadRequest`` when they are one already, or the two ends of a fact that is believed.
        """
        self.moving(keep, other)
        return self.store.merge(self._id(keep), self._id(other), names.clean(names.text(by, "who says so")))

    def duplicates(self, *, least: float = ASK, encoder: Encoder | None = None, progress: Progress | None = None) -> list[Pair]:
        """Pairs of entities that may be one, from the probability ``least`` on, the likeliest first; ``other`` is the one to keep.

        They are found by keys of their names, with an encoder also by meaning. Raises ``BadRequest`` when the graph has no vectors
        of that encoder (``embed`` makes them).
        """
        if not is_probability(least):
            raise BadRequest(f"least must be from 0 to 1, not {str(least)[:60]}")
        names.callable_or_none(progress, "progress")
        if encoder is not None:
            similarity.comparable(self.store, encoder)
        return blocks.duplicates(self.store, least=least, encoder=encoder, progress=progress)

    def merge_all(self, pairs: Iterable[Pair], by: str = "", run: str = "") -> dict[EntityId, Merge]:
        """Merge the entity of each pair into the other, but for what the pairs before have made one; by the entity's id.

        What is merged under the name of a ``run`` is taken back as a whole by ``undo_run``.
        """
        made: dict[EntityId, Merge] = {}
        says, behind = names.text(by, "who says so"), withdrawing.of_run(names.text(run, "the name of a run"))
        for pair in names.listed(pairs, Pair, "merges are made of"):
            with suppress(BadRequest):
                made[pair.entity.id] = self.store.merge(pair.other.id, pair.entity.id, (says or pair.by) + behind)
        return made

    def part(self, one: str, other: str, by: str = "me") -> Fact:
        """A person says that two entities are not one, though their names are alike: ``duplicates`` does not tell of them again."""
        self.learn([blocks.DIFFERENT])
        ends = [self.entity(name) for name in (one, other)]
        if ends[0].id == ends[1].id:
            raise BadRequest(f"{one[:60]!r} and {other[:60]!r} are one entity: if they were merged,  kg review undo  parts them")
        review = Claim(ends[0], blocks.DIFFERENT.name, ends[1], (Evidence("review", reviewing.person(by)),))
        self.put([review])
        return self.fact(cards.key(cards.canonical(review, self.relations()), self.relations()))

    def moving(self, keep: str, other: str) -> list[Fact]:
        """The facts that ``merge`` would move; it raises what that raises, and writes nothing."""
        ids = self._id(keep), self._id(other)
        merging.kept(*ids, merging.in_force(self.store.merges()), self.store.entities(ids))
        if fact := blocks.joined(self.store, *ids):
            said = f"{fact.head.name} | {fact.relation} | {in_words(fact.tail)}"
            raise BadRequest(f"these are two ends of a fact,  {said}: if they are one, reject that first  (kg review reject {fact.key})")
        return self.store.neighbours([ids[1]], FactQuery(status="all"))

    def undo(self, merge: Merge | str) -> Merge:
        """Take a merge back: each entity gets what was claimed for it, also since. Raises ``NotFound`` or ``BadRequest``."""
        return self.store.undo(merge.id if isinstance(merge, Merge) else names.text(merge, "the id of a merge"))

    def undo_run(self, run: str) -> Parted:
        """Take back all that a run merged and that still stands, the latest first: of ``merge_all``, or of a ``Linker``.

        Its facts stay, unlike with ``forget``. Raises ``NotFound`` or ``BadRequest``. As with ``undo``, ``duplicates`` does not tell
        of these pairs again.
        """
        return withdrawing.undo_run(self.store, names.text(run, "the name of a run"))

    # beside the facts

    def add_document(self, source: Source, text: str) -> bool:
        """Keep the text from which a source's facts quote, until the source is forgotten; whether that is news.

        The id should be made from the content. Raises ``BadRequest`` when there is no text, or another one under that id.
        """
        return self.store.add_document(source, text)

    def embed(self, encoder: Encoder, *, replace: bool = False, progress: Progress | None = None) -> int:
        """Make the vectors that entities lack, from name and description; how many. What is interrupted goes on where it was.

        Raises ``BadRequest`` when the graph holds those of another encoder, unless they are to be ``replace``d.
        """
        names.callable_or_none(progress, "progress")
        return similarity.embed(self.store, encoder, replace=replace, progress=progress)

    def mirror_interactions(self, rows: Iterable[Sequence[object]], progress: Progress | None = None) -> Mirrored:
        """Let Cypher read who took what: ``(:User {id})-[:INTERACTED {time, rating}]->(:Entity)``. Nothing else sees it: it is no fact.

        A row is (user, entity id), with or without seconds since 1970 and a rating. Of a user and an entity the latest stays;
        rows of entities that the graph does not have are skipped. Raises ``BadRequest`` for what is no such row.
        """
        names.callable_or_none(progress, "progress")
        return interacting.mirror(self.store, rows, progress)

    def drop_interactions(self) -> int:
        """Take all users and what they took out of the graph again; how many interactions there were."""
        return self.store.drop_interactions()

    # files

    def load(self, path: str | FilePath, *, format: str | None = None, strict: bool = False, progress: Progress | None = None) -> Loaded:
        """Put all facts of a file (``kgplatform.formats.registry``); rows that cannot be read or kept are left out, and told of.

        The format follows from the ending unless it is named; ``progress`` counts rows. Raises ``BadFile`` when the file
        is no such file to its end, has no fact, or (``strict``) has any row that would be left out; nothing is written then.
        """
        from kgplatform.formats import loading

        names.callable_or_none(progress, "progress")
        return loading.load(self, FilePath(path), format=format, strict=strict, progress=progress)

    def dump(self, path: str | FilePath, *, format: str | None = None, progress: Progress | None = None, **which: Unpack[Which]) -> int:
        """Write facts to a file (whole or not at all); the number of facts.

        JSON-LD and Parquet hold the evidence, so that they load to the same facts; what another format does not hold, its ``drops`` says.
        """
        from kgplatform.formats import dumping

        names.callable_or_none(progress, "progress")
        return dumping.dump(self, FilePath(path), self._selected(**which), format=format, progress=progress)
