"""``KnowledgeGraph``: the Python face of one graph, over any store.

Everything that is written comes through ``put``: claims are brought to the form their relation cards
allow, and what cannot be stored is refused with a reason instead of being dropped.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from kgplatform import belief, cards, derivation, explanation, interacting, lookup, names, viewing
from kgplatform import similar as similarity
from kgplatform.analysis.between import Between, Ends, Wanted
from kgplatform.conflicts import Conflict
from kgplatform.errors import BadCard, BadRequest, NotFound, StoreError, WriteRefused
from kgplatform.explanation import Event, Explanation, Reason
from kgplatform.library import Context, Library
from kgplatform.linking import Unlinked, blocks, link, withdrawing
from kgplatform.linking.deciding import Decision, Pair
from kgplatform.linking.linker import ASK, Linker
from kgplatform.literals import literal
from kgplatform.lm.ports import Encoder
from kgplatform.ports import Columns, CypherRunner, Limits, Mirroring, Progress, Rows, Signature, Store
from kgplatform.store import merging, records
from kgplatform.types import (
    By,
    Candidate,
    Change,
    Claim,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Forgotten,
    Hit,
    Kind,
    Literal,
    Merge,
    Mirrored,
    Path,
    Receipt,
    Refusal,
    Relation,
    Source,
    SourceId,
    Status,
    in_words,
)
from kgplatform.view import GraphView

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from kgplatform.formats.loading import Loaded

__all__ = ["KEYING", "Added", "Conflict", "Context", "Event", "Explanation", "Facts", "KnowledgeGraph", "Reason"]

KEYING = ("inverse", "symmetric", "key_qualifiers")
"""What of a card the keys of its facts depend on."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A lazy selection of facts: iterating asks the store each time."""

    store: Store
    query: FactQuery

    def __iter__(self) -> Iterator[Fact]:
        return self.store.facts(self.query)

    def __len__(self) -> int:
        return self.store.count(self.query)

    def to_pandas(self) -> pd.DataFrame:
        """One row a fact, names instead of ids."""
        import pandas as pd

        parts = [pd.DataFrame(part._asdict()) for part in self.store.columns(self.query)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(Columns._fields))

    def to_arrow(self) -> pa.Table:
        """One row a fact, names instead of ids; read as a stream of columns."""
        import pyarrow as pa

        kinds = {"confidence": pa.float64(), "trust": pa.float64(), "origin": pa.list_(pa.string())}
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in Columns._fields])
        return pa.Table.from_batches([pa.RecordBatch.from_arrays(part, schema=schema) for part in self._arrays(schema)], schema)

    def _arrays(self, schema: pa.Schema) -> Iterator[list[pa.Array]]:
        import pyarrow as pa

        for part in self.store.columns(self.query):
            yield [pa.array(column, field.type) for column, field in zip(part, schema, strict=True)]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of candidates: the receipt of those that were linked, and those that need a person.

    With a linker also what it merged, and the pairs of which it ``asked`` whether they are one.
    """

    receipt: Receipt
    unlinked: tuple[Unlinked, ...] = ()
    merges: tuple[Merge, ...] = ()
    asked: tuple[Decision, ...] = ()


class KnowledgeGraph(Library):
    """One graph; made by ``kgplatform.connect()``. Use it as a context manager, or ``close`` it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._between = Between(store)

    def __enter__(self) -> KnowledgeGraph:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.store.close()

    # vocabulary

    def relations(self) -> dict[str, Relation]:
        return self.store.relations()

    def kinds(self) -> dict[str, Kind]:
        return self.store.kinds()

    def signatures(self) -> list[Signature]:
        """Which kinds each relation joins in the current facts, and how often; the most frequent first. It reads the whole graph."""
        return self.store.signatures()

    def learn(self, relations: Iterable[Relation] = (), kinds: Iterable[Kind] = ()) -> None:
        """Add or replace cards and kinds; what is there already unchanged is not written again.

        Raises ``BadCard`` when a card would give the facts of its relation other keys.
        """
        new, taxonomy = self.check(relations), self.kinds()
        self.store.learn(new, [kind for kind in kinds if taxonomy.get(kind.name) != kind])

    def check(self, relations: Iterable[Relation]) -> list[Relation]:
        """The cards that are new or other than those that are there. Raises ``BadCard`` as ``learn`` does, and writes nothing."""
        known = self.relations()
        new = [card for card in relations if known.get(card.name) != card]
        for card in new:
            self._check_keys(known.get(card.name, card), card)
        return new

    def _check_keys(self, old: Relation, new: Relation) -> None:
        changed = [field for field in KEYING if getattr(old, field) != getattr(new, field)]
        if changed and (count := self.store.count(FactQuery(relation=new.name, status="all"))):
            raise BadCard(
                f"the card of {new.name!r} changes {', '.join(changed)}, and the graph holds {count:,} facts under the card it has: "
                "export and forget them first"
            )

    # writing

    def put(self, claims: Iterable[Claim]) -> Receipt:
        """The only way in. What breaks its relation's card comes back as refused, with the reason."""
        accepted, refused = _sorted_out(claims, self.relations())
        receipt = self.store.put([claim for _, claim in accepted]) if accepted else Receipt()
        return dataclasses.replace(receipt, refused=_as_given(receipt.refused, accepted)) + Receipt(refused=tuple(refused))

    def canonical(self, claims: Iterable[Claim]) -> list[Claim]:
        """The claims that their cards allow, in the form in which they are kept."""
        return [claim for _, claim in _sorted_out(claims, self.relations())[0]]

    def refusals(self, claims: Iterable[Claim], cards: Iterable[Relation] = ()) -> tuple[Refusal, ...]:
        """What ``put`` would refuse of these claims once ``cards`` were learned; nothing is written."""
        known = {**self.relations(), **{card.name: card for card in cards}}
        accepted, refused = _sorted_out(claims, known)
        _, more = records.rows([claim for _, claim in accepted], known, 0)
        return (*_as_given(more, accepted), *refused)

    def add(self, candidates: Sequence[Candidate], linker: Linker | None = None, context: Mapping[str, str] | None = None) -> Added:
        """Link words to entities, by exact names or as a ``linker`` does (``context`` tells it what names mean), then ``put``."""
        if linker is not None:
            linking = linker.link(candidates, context)
            receipt = self.put(linking.claims)
            asked = tuple(one for one in linking.decisions if one.verdict == "ask")
            return Added(receipt, linking.unlinked, tuple(linker.settle(linking)), asked)
        linked = link(candidates, self.store, self.kinds())
        return Added(self.put(linked.claims), linked.unlinked)

    def accept(self, fact: Fact | str, by: str = "me") -> Fact:
        """A person says that the fact holds."""
        return self._review(fact, by, 1.0, "")

    def reject(self, fact: Fact | str, by: str = "me", why: str = "") -> Fact:
        """A person says that it does not."""
        return self._review(fact, by, -1.0, why)

    def retract(self, fact: Fact | str, by: str = "me") -> Fact:
        """A person takes their verdict back; another person's stands. Raises ``BadRequest`` when they have given none."""
        self.review(fact, by)
        return self._review(fact, by, 0.0, "")

    def review(self, fact: Fact | str, by: str = "me") -> Evidence:
        """The verdict of one person: a score of 1 accepts, of -1 rejects. Raises ``BadRequest`` when they have given none that stands."""
        found, person = self.fact(fact), _person(by)
        for piece in self.store.evidence(found.key):
            if piece.method == "review" and piece.source.id == person.id and not belief.taken_back(piece):
                return piece
        raise BadRequest(f"{person.title!r} has given no verdict on  {found.head.name} | {found.relation} | {in_words(found.tail)}")

    def _review(self, fact: Fact | str, by: str, score: float, why: str) -> Fact:
        found = self.fact(fact)
        person = _person(by)
        review = Evidence("review", person, score, detail=(("why", why),) if why else ())
        self.store.put([Claim(found.head, found.relation, found.tail, (review,), found.qualifiers)])
        return self.fact(found.key)

    def forget(self, source: str = "", *, run: str = "") -> Forgotten:
        """Withdraw a source with all it said and its text, or what one run observed. Raises ``NotFound`` when there is no such."""
        if bool(source) == bool(run):
            raise BadRequest("name either a source or a run to forget")
        done = self.store.forget(SourceId(source)) if source else withdrawing.forget_run(self.store, run)
        if not done.evidence and not done.passages:
            raise NotFound(f"the graph has no source {source[:120]!r}" if source else f"the graph has nothing of a run {run[:120]!r}")
        return done + derivation.withdraw(self.store) if done.facts_removed else done

    def publish(self, calibration: belief.Calibration) -> int:
        """Believe by another table from now on; every fact is computed anew, ``belief_rev`` says by which. How many were."""
        return self.store.publish(calibration)

    def merge(self, keep: str, other: str, by: str = "me") -> Merge:
        """Say that two entities, given by ids or names, are one. Every fact of ``other`` becomes one of ``keep``; ``undo`` takes it back.

        Raises ``NotFound``, ``Ambiguous``, or ``BadRequest`` when they are one already.
        """
        return self.store.merge(self._id(keep), self._id(other), names.clean(by))

    def duplicates(self, *, least: float = ASK, encoder: Encoder | None = None, progress: Progress | None = None) -> list[Pair]:
        """Pairs of entities that may be one, from the probability ``least`` on, the likeliest first; ``other`` is the one to keep.

        They are found by keys of their names, with an encoder also by meaning where the graph has its vectors (``embed``).
        """
        return blocks.duplicates(self.store, least=least, encoder=encoder, progress=progress)

    def merge_all(self, pairs: Iterable[Pair], by: str = "") -> dict[EntityId, Merge]:
        """Merge the entity of each pair into the other, but for what the pairs before have made one; by the entity's id."""
        made: dict[EntityId, Merge] = {}
        for pair in pairs:
            with suppress(BadRequest):
                made[pair.entity.id] = self.store.merge(pair.other.id, pair.entity.id, by or pair.by)
        return made

    def part(self, one: str, other: str, by: str = "me") -> Fact:
        """A person says that two entities are not one, though their names are alike: ``duplicates`` does not tell of them again."""
        self.learn([blocks.DIFFERENT])
        ends = [self.entity(name) for name in (one, other)]
        if ends[0].id == ends[1].id:
            raise BadRequest(f"{one[:60]!r} and {other[:60]!r} are one entity: undo their merge to part them")
        review = Claim(ends[0], blocks.DIFFERENT.name, ends[1], (Evidence("review", _person(by)),))
        self.put([review])
        return self.fact(cards.key(cards.canonical(review, self.relations()), self.relations()))

    def moving(self, keep: str, other: str) -> list[Fact]:
        """The facts that ``merge`` would move; it raises what that raises, and writes nothing."""
        ids = self._id(keep), self._id(other)
        merging.kept(*ids, merging.in_force(self.store.merges()), self.store.entities(ids))
        return self.store.neighbours([ids[1]], FactQuery(status="all"))

    def undo(self, merge: Merge | str) -> Merge:
        """Take a merge back: each entity gets what was claimed for it, also since. Raises ``NotFound`` or ``BadRequest``."""
        return self.store.undo(merge.id if isinstance(merge, Merge) else merge)

    def merges(self, entity: str | None = None) -> list[Merge]:
        """All merges, or those an entity took part in; the latest first."""
        return self.store.merges(None if entity is None else self._id(entity))

    def _id(self, name: str) -> EntityId:
        """An id as it was given, even one that was merged, else that of the entity with the name."""
        return EntityId(name) if self.store.entities([EntityId(name)]) else self.entity(name).id

    def changes(self, since: int = 0) -> Iterator[Change]:
        """What was written after ``since`` (milliseconds since the epoch), oldest first. Some come again; none is missed."""
        return self.store.changes(since)

    # reading

    def facts(
        self,
        head: str | None = None,
        relation: str | None = None,
        tail: str | None = None,
        *,
        status: Status = "current",
        min_confidence: float = 0.0,
        source: str | None = None,
        as_of: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Facts:
        """Facts by names or ids; literals as tails are given by ``explain``'s triple form only.

        ``as_of`` is a date: facts that are said to hold only before or after it are left out.
        They come in the order of head and key; those behind the key ``after`` are the next ones.

        Raises ``NotFound`` or ``Ambiguous``, and ``BadRequest`` for the inverse's name: facts are kept in one direction.
        """
        if relation is not None:
            self._check_direction(relation)
        return Facts(
            self.store,
            FactQuery(
                head=self.entity(head).id if head is not None else None,
                relation=relation,
                tail=self.entity(tail).id if tail is not None else None,
                status=status,
                min_confidence=min_confidence,
                source=SourceId(source) if source is not None else None,
                as_of=_date(as_of),
                limit=limit,
                after=_key(after),
            ),
        )

    def view(self, *, status: Status = "current", literals: bool = False) -> GraphView:
        """The facts between entities as integer arrays, as they are now; with ``literals`` also numbers and dates of entities."""
        return viewing.read(self.store, status, literals)

    def _check_direction(self, relation: str) -> None:
        known = self.relations()
        if relation not in known and (card := lookup.inverse_of(relation, known)):
            raise BadRequest(f"{relation!r} is the inverse of {card.name!r}: ask for that, with head and tail exchanged")

    def entity(self, name: str) -> Entity:
        """The entity with that id, name or alias. Raises ``NotFound`` (with near names) or ``Ambiguous``."""
        return lookup.entity(self.store, name)

    def sources(self) -> dict[SourceId, int]:
        """Every source that speaks in the graph, and for how many facts; reads all facts."""
        return Counter(source for fact in self.facts(status="all") for source in fact.sources)

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        return self.store.search(text, limit)

    def embed(self, encoder: Encoder, *, replace: bool = False, progress: Progress | None = None) -> int:
        """Make the vectors that entities lack, from name and description; how many. What is interrupted goes on where it was.

        Raises ``BadRequest`` when the graph holds those of another encoder, unless they are to be ``replace``d.
        """
        return similarity.embed(self.store, encoder, replace=replace, progress=progress)

    def similar(self, text: str, encoder: Encoder, limit: int = 20) -> list[Hit]:
        """The entities that mean the most like the text; ``score`` is the cosine. Those without a vector (``embed``) are not found."""
        return similarity.similar(self.store, text, encoder, limit)

    def neighbours(self, entity: str, hops: int = 1, limit: int = 200, query: FactQuery | None = None) -> list[Fact]:
        """The facts around an entity, hop by hop, the most believed first within a hop; at most ``limit``."""
        query = query or FactQuery()
        frontier, seen = {self.entity(entity).id}, set[EntityId]()
        found: dict[FactKey, Fact] = {}
        for _ in range(hops):
            if not frontier or len(found) >= limit:
                break
            seen |= frontier
            near = self.store.neighbours(sorted(frontier), query)
            for fact in near:
                if len(found) < limit:
                    found.setdefault(fact.key, fact)
            frontier = {end.id for fact in near for end in (fact.head, fact.tail) if isinstance(end, Entity)} - seen
        return list(found.values())

    def paths(
        self,
        a: Ends,
        b: Ends | None = None,
        max_hops: int = 4,
        k: int = 5,
        *,
        by: By = "shortest",
        pattern: str | None = None,
        min_confidence: float = 0.0,
        directed: bool = False,
    ) -> list[Path]:
        """The ``k`` best paths between two entities, or two sets, by ids or names; no entity comes twice in one.

        ``by``: the fewest hops; ``"specific"``, which avoids entities and relations of many facts; or ``"confidence"``, the product of
        how far the facts are believed. Facts are walked either way unless ``directed``, or as a ``pattern`` says
        (``"author of/^cites+"``: see ``kgplatform.analysis.pattern``). With a pattern and no ``b``: a walk to each entity that it leads to.

        Belief is without graph models' evidence here (``Fact.trust``). Of a server's facts those around the ends are read; where they
        are many, and for ``"specific"``, the whole graph once, which stays in memory (about 25 seconds and 250 MB a million facts).
        Raises ``BadRequest``, ``NotFound`` or ``Ambiguous``.
        """
        return self._between.paths(a, b, Wanted(k, max_hops, by, pattern, min_confidence, directed))

    def facts_at(self, keys: Collection[FactKey]) -> dict[FactKey, Fact]:
        """The facts under these keys, or under those they have since their entities were merged; by the keys that were asked."""
        return self.store.facts_at(keys)

    def fact(self, fact: Fact | str) -> Fact:
        """The fact with that key, or ``head | relation | tail`` by names. Raises ``NotFound`` or ``Ambiguous``."""
        return lookup.fact(self.store, fact.key if isinstance(fact, Fact) else fact)

    def explain(self, fact: Fact | str) -> Explanation:
        """All that speaks for and against a fact, its history, and what was derived from it."""
        return explanation.explain(self.store, self.store.calibration, self.fact(fact))

    def cypher(self, query: str, /, limits: Limits | None = None, **parameters: Any) -> Rows:
        """Reading Cypher, limited in rows, bytes and seconds. Raises ``WriteRefused`` for anything that writes."""
        return self.read(query, parameters, limits or Limits())

    def read(self, query: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
        """As ``cypher``, for parameters of any name. First the values of entities, as plain properties, are brought up to date."""
        runner = self._runner()
        if isinstance(self.store, Mirroring):
            with suppress(StoreError, WriteRefused):  # who may not write, or comes among too many writers, sees them as they were
                self.store.mirror()
        return runner.read(query, parameters, limits)

    def examine(self, query: str, parameters: Mapping[str, Any]) -> None:
        """Have the server plan a query, not run it. Raises ``BadQuery``, and ``WriteRefused`` where the plan shows that it writes."""
        self._runner().examine(query, parameters)

    def _runner(self) -> CypherRunner:
        if not isinstance(self.store, CypherRunner):
            raise BadRequest("a graph in memory has no Cypher: use  connect()  with the local server or Neo4j")
        return self.store

    # interactions

    def mirror_interactions(self, rows: Iterable[Sequence[object]], progress: Progress | None = None) -> Mirrored:
        """Let Cypher read who took what: ``(:User {id})-[:INTERACTED {time, rating}]->(:Entity)``. Nothing else sees it: it is no fact.

        A row is (user, entity id), with or without seconds since 1970 and a rating. Of a user and an entity the latest stays;
        rows of entities that the graph does not have are skipped. Raises ``BadRequest`` for what is no such row.
        """
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

        return loading.load(self, FilePath(path), format=format, strict=strict, progress=progress)

    def dump(self, path: str | FilePath, *, format: str | None = None, status: Status = "current", progress: Progress | None = None) -> int:
        """Write facts to a file (whole or not at all); the number of facts.

        JSON-LD and Parquet hold the evidence, so that they load to the same facts; what another format does not hold, its ``drops`` says.
        """
        from kgplatform.formats import dumping

        return dumping.dump(self, FilePath(path), format=format, status=status, progress=progress)


def _person(name: str) -> Source:
    """A reviewer as the source of their verdicts. Raises ``BadName``."""
    return Source(SourceId(f"person:{names.clean(name)}"), "person", title=names.clean(name))


def _date(text: str | None) -> str | None:
    return None if text is None else literal(text, "date").value


def _key(text: str | None) -> FactKey | None:
    """A key of a fact, which need not be there. Raises ``NotFound`` when it is none."""
    if text is not None:
        names.parse_key(text)
    return None if text is None else FactKey(text)


_PUT = "facts are put as a list of  kgplatform.Claim"


def _sorted_out(claims: Iterable[Claim], known: dict[str, Relation]) -> tuple[list[tuple[Claim, Claim]], list[Refusal]]:
    """Claims as they are given and in the form their cards allow, and those that have none."""
    accepted, refused = [], []
    if not isinstance(claims, Iterable):
        raise BadRequest(f"{repr(claims)[:60]} is no list: {_PUT}")
    for claim in claims:
        if not isinstance(claim, Claim):
            raise BadRequest(f"{repr(claim)[:60]} is no claim: {_PUT}")
        try:
            accepted.append((claim, _canonical(claim, known)))
        except BadRequest as error:
            refused.append(Refusal(claim, str(error)))
    return accepted, refused


def _as_given(refused: Sequence[Refusal], accepted: Iterable[tuple[Claim, Claim]]) -> tuple[Refusal, ...]:
    """Refusals of the claims that a caller knows, not of their canonical forms."""
    given = {id(canonical): claim for claim, canonical in accepted} if refused else {}
    return tuple(Refusal(given.get(id(one.claim), one.claim), one.why) for one in refused)


def _canonical(claim: Claim, known: dict[str, Relation]) -> Claim:
    """The claim in the form its card allows; a value that no card speaks of in the form of its own type."""
    claim = cards.canonical(claim, known)
    if isinstance(claim.tail, Literal):
        tail = literal(claim.tail.value, claim.tail.datatype, claim.tail.unit, claim.tail.language)
        claim = dataclasses.replace(claim, tail=tail)
    return claim
