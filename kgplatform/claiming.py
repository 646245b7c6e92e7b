"""Claims on their way into a graph: in the form that their relations' cards allow, or refused with a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kgplatform import cards, fields, names
from kgplatform.errors import BadCard, BadRequest
from kgplatform.linking import Unlinked
from kgplatform.linking.deciding import Decision
from kgplatform.literals import literal
from kgplatform.ports import Store
from kgplatform.store import records
from kgplatform.types import Claim, FactQuery, Literal, Merge, Receipt, Refusal, Relation

KEYING = ("inverse", "symmetric", "key_qualifiers")
"""What of a card the keys of its facts depend on."""
Known = Mapping[str, Relation]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of candidates: the receipt of those that were linked, and those that need a person.

    With a linker also what it merged, and the pairs of which it ``asked`` whether they are one.
    """

    receipt: Receipt
    unlinked: tuple[Unlinked, ...] = ()
    merges: tuple[Merge, ...] = ()
    asked: tuple[Decision, ...] = ()


def put(store: Store, claims: Iterable[Claim]) -> Receipt:
    """Store what its cards allow; the rest comes back as refused."""
    accepted, refused = sorted_out(claims, store.relations())
    receipt = store.put([claim for _, claim in accepted]) if accepted else Receipt()
    return dataclasses.replace(receipt, refused=_as_given(receipt.refused, accepted)) + Receipt(refused=tuple(refused))


def refusals(claims: Iterable[Claim], known: Known) -> tuple[Refusal, ...]:
    """What ``put`` would refuse under these cards."""
    accepted, refused = sorted_out(claims, known)
    _, more = records.rows([claim for _, claim in accepted], known, 0)
    return (*_as_given(more, accepted), *refused)


def news(store: Store, relations: Iterable[Relation]) -> list[Relation]:
    """The cards that are new or other than those that are there. Raises ``BadCard`` for one that would orphan its facts."""
    known = store.relations()
    new = [card for card in names.listed(relations, Relation, "cards are learned as") if known.get(card.name) != card]
    for card in new:
        _check_keys(store, known.get(card.name, card), card)
    return new


def _check_keys(store: Store, old: Relation, new: Relation) -> None:
    changed = [field for field in KEYING if getattr(old, field) != getattr(new, field)]
    if changed and (count := store.count(FactQuery(relation=new.name, status="all"))):
        raise BadCard(
            f"the card of {new.name!r} changes {', '.join(changed)}, and the graph holds {count:,} facts under the card it has: "
            "export and forget them first"
        )


def sorted_out(claims: Iterable[Claim], known: Known) -> tuple[list[tuple[Claim, Claim]], list[Refusal]]:
    """Claims as they are given and in the form their cards allow, and those that have none. Raises ``BadRequest`` for what is no claim."""
    accepted, refused = [], []
    for claim in names.listed(claims, Claim, "facts are put as"):
        fields.check(claim)
        try:
            accepted.append((claim, _canonical(claim, known)))
        except BadRequest as error:
            refused.append(Refusal(claim, str(error)))
    return accepted, refused


def _as_given(refused: Sequence[Refusal], accepted: Iterable[tuple[Claim, Claim]]) -> tuple[Refusal, ...]:
    """Refusals of the claims that a caller knows, not of their canonical forms."""
    given = {id(canonical): claim for claim, canonical in accepted} if refused else {}
    return tuple(Refusal(given.get(id(one.claim), one.claim), one.why) for one in refused)


def _canonical(claim: Claim, known: Known) -> Claim:
    """The claim in the form its card allows; a value that no card speaks of in the form of its own type."""
    claim = cards.canonical(claim, known)
    if isinstance(claim.tail, Literal):
        tail = literal(claim.tail.value, claim.tail.datatype, claim.tail.unit, claim.tail.language)
        claim = dataclasses.replace(claim, tail=tail)
    return claim
