"""One question to the chat model, and what its answer says: a small graph, bound to a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvest.expand.grown import Question
from kgplatform import names
from kgplatform.belief import PRIOR
from kgplatform.errors import BadName
from kgplatform.lm.talk import Message, Request
from kgplatform.types import Candidate, Evidence, Mention, Source, SourceId

SCORE = -0.4 - PRIOR
"""What one model's word weighs: belief comes to .40, so a fact is proposed until another source or a person says so too."""
NAME, EDGES = 80, 24
TOKENS, TEMPERATURE = 1_200, 0.1


def _text(most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _object(title: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SCHEMA = _object(
    "local_graph",
    {
        "brainstorm": _text(400),
        "nodes": {"type": "array", "maxItems": EDGES, "items": _text(NAME, 1)},
        "edges": {
            "type": "array",
            "maxItems": EDGES,
            "items": _object("edge", {"source": _text(NAME, 1), "relation": _text(NAME, 1), "target": _text(NAME, 1)}),
        },
        "patterns": {"type": "array", "maxItems": 3, "items": _text(200)},
        "synthesis": _text(400),
    },
)
_TOLD = (
    "Answer the question, and draw what you say as a small graph. Think in a few words (brainstorm), name the things (nodes: short nouns, "
    "singular), say how they are linked (edges: source, relation as a short verb phrase, target), what recurs (patterns), and the answer "
    "in two sentences (synthesis). Say only what is so. Answer in JSON."
)


def request(question: Question, topic: str, seed: int = 0) -> Request:
    """What the model is asked; a question of the graph's own is asked within the topic."""
    asked = question.text if question.text == topic else f"The topic: {topic}\nThe question: {question.text}"
    return Request((Message("system", _TOLD), Message("user", asked)), SCHEMA, TOKENS, TEMPERATURE, seed)


def candidates(answer: Mapping[str, Any], question: Question, where: Mapping[str, str]) -> list[Candidate]:
    """What an answer states, each once; what has no name or links a thing with itself is no statement.

    ``where`` is the iteration, the model, the run and the response, as evidence keeps them.
    """
    family = where["model"].partition("@")[0]
    source = Source(SourceId(f"model:{family}"), "model", title=family)
    detail = (
        ("depth", str(question.depth)),
        ("iteration", where["iteration"]),
        ("question", question.text),
        ("response", where["response"]),
    )
    found: dict[tuple[str, str, str], Candidate] = {}
    for edge in answer["edges"]:
        try:
            head, relation, tail = (names.clean(edge[end]) for end in ("source", "relation", "target"))
        except BadName:
            continue
        told = (names.normalise(head), names.normalise(relation).replace("_", " "), names.normalise(tail))
        if told[0] == told[2]:
            continue
        evidence = Evidence("memory", source, SCORE, where["model"], head_words=head, tail_words=tail, run=where["run"], detail=detail)
        found.setdefault(told, Candidate(Mention(head), told[1], Mention(tail), evidence))
    return list(found.values())
