"""One question to the chat model, and what its answer says: a small graph, bound to a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harvest.expand import grounding
from harvest.expand.grown import Question
from kgplatform import names
from kgplatform.belief import PRIOR
from kgplatform.errors import BadName
from kgplatform.lm import text
from kgplatform.lm.talk import Message, Request
from kgplatform.types import Candidate, Evidence, Mention, Passage, Source, SourceId

SCORE = -0.4 - PRIOR
"""What one model's word weighs: belief comes to .40, so a fact is proposed until another source or a person says so too."""
QUOTED, UNQUOTED = 0.6 - PRIOR, -1.0 - PRIOR
"""Where answers must quote: what a document's words support comes to .65, what none supports to .27."""
NAME, EDGES, QUOTE = 80, 24, 300
TOKENS, TEMPERATURE = 1_200, 0.1


def _text(most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _object(title: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _local_graph(edges: int, edge: Mapping[str, Any]) -> dict[str, Any]:
    return _object(
        "local_graph",
        {
            "brainstorm": _text(400),
            "nodes": {"type": "array", "maxItems": edges, "items": _text(NAME, 1)},
            "edges": {"type": "array", "maxItems": edges, "items": _object("edge", edge)},
            "patterns": {"type": "array", "maxItems": 3, "items": _text(200)},
            "synthesis": _text(400),
        },
    )


_EDGE = {"source": _text(NAME, 1), "relation": _text(NAME, 1), "target": _text(NAME, 1)}
SCHEMA = _local_graph(EDGES, _EDGE)
QUOTING = _local_graph(EDGES // 2, {**_EDGE, "quote": _text(QUOTE)})
SPARE: Mapping[str, Any] = {"brainstorm": "", "nodes": [], "patterns": [], "synthesis": ""}
"""What an answer may do without: an answer that was cut has some of these yet to come."""
_TOLD = (
    "Answer the question, and draw what you say as a small graph. Think in a few words (brainstorm), name the things (nodes: short nouns, "
    "singular), say how they are linked (edges: source, relation as a short verb phrase, target), what recurs (patterns), and the answer "
    "in two sentences (synthesis). Say only what is so. Answer in JSON."
)
_QUOTE = (
    " Say only what the texts say. With each edge copy from a text, letter by letter, the words that state it "
    "(quote), both things among them."
)


def request(question: Question, topic: str, seed: int = 0, passages: Sequence[Passage] | None = None) -> Request:
    """What the model is asked; a question of the graph's own is asked within the topic, with ``passages`` out of these."""
    asked = question.text if question.text.startswith(topic) else f"The topic: {topic}\nThe question: {question.text}"
    if passages is None:
        return Request((Message("system", _TOLD), Message("user", asked)), SCHEMA, TOKENS, TEMPERATURE, seed)
    messages = Message("system", _TOLD + _QUOTE), Message("user", f"{grounding.shown(passages)}\n\n{asked}")
    return Request(messages, QUOTING, TOKENS, TEMPERATURE, seed, tuple(sorted({one.source for one in passages})))


def candidates(answer: Mapping[str, Any], question: Question, where: Mapping[str, str]) -> list[Candidate]:
    """What an answer states, each once; what has no name or links a thing with itself is no statement.

    ``where`` is the iteration, the model, the run and the response, as evidence keeps them.
    """
    detail = (
        ("depth", str(question.depth)),
        ("iteration", where["iteration"]),
        ("question", question.text),
        ("response", where["response"]),
    )
    found: dict[tuple[str, str, str], Candidate] = {}
    for edge in answer["edges"]:
        try:
            head, relation, tail = _named(edge)
        except BadName:
            continue
        told = (names.normalise(head), names.normalise(relation).replace("_", " "), names.normalise(tail))
        if told[0] == told[2]:
            continue
        evidence = replace(_evidence(edge, where["model"]), head_words=head, tail_words=tail, run=where["run"], detail=detail)
        found.setdefault(told, Candidate(Mention(head), told[1], Mention(tail), evidence))
    return list(found.values())


def nameless(answer: Mapping[str, Any]) -> list[str]:
    """What is wrong with the edges that fit the schema and yet hold what is no name, in words."""
    wrong = []
    for edge in answer["edges"]:
        try:
            _named(edge)
        except BadName as error:
            wrong.append(str(error))
    return wrong


def _named(edge: Mapping[str, Any]) -> tuple[str, str, str]:
    return text.name(edge["source"]), text.name(edge["relation"]), text.name(edge["target"])


def _evidence(edge: Mapping[str, Any], model: str) -> Evidence:
    """Where an answer had to quote: a document's words, or the model's less trusted word."""
    family = model.partition("@")[0]
    source = Source(SourceId(f"model:{family}"), "model", title=family)
    if "support" not in edge:
        return Evidence("memory", source, SCORE, model)
    if not (told := edge["support"]):
        return Evidence("memory", source, UNQUOTED, model)
    document = Source(SourceId(told["source"]), "document", told["title"], told["uri"])
    return Evidence("text", document, QUOTED, model, told["quote"], told["start"], told["start"] + len(told["quote"]))
