"""The one thing that a program may add: a fact that waits for a person, as *proposed*. It touches no fact that is there.

What a program says weighs nothing: the fact is as likely as any claim without evidence, until a person or another source speaks.
"""

from __future__ import annotations

from kgplatform import belief, cards, lookup, names
from kgplatform.errors import BadRequest, WriteRefused
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking import link
from kgplatform.literals import literal
from kgplatform.types import Candidate, Claim, EntityId, Evidence, Fact, Mention, Relation, Source, SourceId
from ui.asking import arguments

WEIGHTLESS = 0.0
"""The score of a program's word."""


def propose(kg: KnowledgeGraph, asked: arguments.Propose, program: str) -> Fact:
    """The new fact. ``program`` is what the asker calls itself; all that it proposed goes by  kg forget program:NAME.

    Raises ``NotFound`` for a relation that the graph does not have, and ``BadRequest`` for a fact that it has, or that its card refuses.
    """
    known = kg.relations()
    claim = _claim(kg, asked, _evidence(asked, program), known)
    if refused := kg.refusals([claim]):
        raise BadRequest(refused[0].why)
    (claim,) = kg.canonical([claim])
    key = cards.key(claim, known)
    if key in kg.facts_at([key]):
        raise BadRequest(f"the graph holds that already: explain  {key}  says why, and a person judges it")
    weight = kg.store.calibration.weight("memory", claim.relation, WEIGHTLESS)
    if belief.believe(kg.store.calibration.prior_weight(claim.relation), [(program, weight)]).trust >= belief.ACCEPTANCE:
        raise WriteRefused("this graph believes so much of what models say that a proposal would not wait for a person")
    kg.put([claim])
    return kg.fact(key)


def _evidence(asked: arguments.Propose, program: str) -> Evidence:
    name = names.clean(program)[:100]
    detail = (("where", asked.where),) if asked.where else ()
    return Evidence("memory", Source(SourceId(f"program:{name}"), "model", title=name), WEIGHTLESS, quote=asked.quote, detail=detail)


def _claim(kg: KnowledgeGraph, asked: arguments.Propose, piece: Evidence, known: dict[str, Relation]) -> Claim:
    head, relation, tail = asked.head, asked.relation, asked.tail
    if relation not in known and (turned := lookup.inverse_of(relation, known)):
        head, relation, tail = tail, turned.name, head
    card = known.get(relation)
    if card is None:
        lookup.check_relation(kg.store, relation)
    wanted = cards.datatype(card) if card else None
    end = literal(tail, wanted) if wanted else _mention(kg, tail, card.range if card else ())
    linked = link([Candidate(_mention(kg, head, card.domain if card else ()), relation, end, piece)], kg.store, kg.kinds())
    for one in linked.unlinked:
        raise BadRequest(one.why)
    return linked.claims[0]


def _mention(kg: KnowledgeGraph, name: str, kinds: tuple[str, ...]) -> Mention:
    """What a name, or the id of an entity that is there, means; a new one is of the first kind that the card wants."""
    if found := kg.store.entities([EntityId(name)]).get(EntityId(name)):
        return Mention(found.name, found.kinds[0], meant=found.id)
    return Mention(name, kinds[0] if kinds else "thing")
