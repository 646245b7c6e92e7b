"""What a chat model is told, so that it writes a query: examples, the schema, the question with its names put aside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from kgplatform import names
from kgplatform.lm.talk import Message, Request
from reasoning.agent.ask import Guide
from reasoning.cypher import examples
from reasoning.cypher.naming import Naming
from reasoning.cypher.schema import Schema
from reasoning.paths.words import content

ANSWER = 250
"""Tokens of an answer."""
RELATIONS = 24
"""Of a graph with more, those whose words are nearest to the question."""
NAME = 80
"""Characters of a name that is told beside the question."""
RULES = """\
You write one Cypher query that answers a question about a graph. It only reads. Use only the relationships and properties that are listed.
Every node has a name. Years and dates are text. Return names or values, and nothing that is not asked for. Answer with the query alone."""


def request(schema: Schema, naming: Naming, relations: Collection[str], walk: str = "") -> Request:
    """The request for a query. What is the same for all questions comes first, so that a model's server need not read it again."""
    shown = "\n".join(map(examples.told, examples.EXAMPLES))
    asked = examples.asked(naming.question, [(entity.name[:NAME], names.label(entity.kinds[0])) for entity in naming.meant], walk)
    text = f"A graph of films:\n{examples.SCHEMA}\n{shown}\n\nAnother graph:\n{schema.told(relations)}\n{asked}"
    return Request((Message("system", RULES), Message("user", text)), max_tokens=ANSWER)


def again(asked: Request, query: str, why: str) -> Request:
    """The request once more, with a query that cannot be used and what is wrong with it."""
    complaint = f"That query cannot be used: {why}. Write it again, the query alone."
    return replace(asked, messages=(*asked.messages, Message("assistant", query or "…"), Message("user", complaint)))


def relevant(guide: Guide, question: str) -> list[str]:
    """The relations that a question may be about, in the order of their names: all of them in a small graph."""
    relations = guide.network.relations
    if len(relations) <= RELATIONS or guide.walker is None:
        return list(relations)
    wording, said = guide.walker.aligner.wording, content(question)
    near = wording.named(wording.encoder.encode([question, *said])).max(axis=0) + 10 * wording.shared(said)
    best = near.reshape(2, len(relations)).max(axis=0)
    return [relations[number] for number in np.sort(np.argsort(-best, kind="stable")[:RELATIONS]).tolist()]
