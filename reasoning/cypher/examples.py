"""Questions with their queries, about a library of films that is nobody's: they show how a question becomes a pattern.

The nearest are those that ask in the same manner: how many, which most, before, not, whether; and name as many things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SCHEMA = """\
(h:Film)-[:DIRECTED_BY]->(t:Director)  h was directed by t
(h:Film)-[:STARS]->(t:Actor)  t acted in h
(h:Actor)-[:PUPIL_OF]->(t:Actor)  h was a pupil of t
(h:Actor|Director)-[:LIVED_IN]->(t:Town)  h lived in t
(h:Town)-[:LIES_IN]->(t:Region)  h lies in t
Film.minutes integer
Film.shot_in year 'YYYY'
Actor.married_on date 'YYYY-MM-DD'"""


@dataclass(frozen=True, slots=True)
class Example:
    """A question and its query."""

    question: str
    query: str


EXAMPLES = tuple(
    Example(*pair)
    for pair in (
        ("Who directed The Lamp?", "MATCH (:Film {name: 'The Lamp'})-[:DIRECTED_BY]->(d:Director) RETURN d.name"),
        ("Which films star Ada Moor?", "MATCH (f:Film)-[:STARS]->(:Actor {name: 'Ada Moor'}) RETURN f.name"),
        ("Who taught Ada Moor?", "MATCH (:Actor {name: 'Ada Moor'})-[:PUPIL_OF]->(x:Actor) RETURN x.name"),
        ("When did Ada Moor marry?", "MATCH (x:Actor {name: 'Ada Moor'}) RETURN x.married_on"),
        ("Which films were shot in 1931?", "MATCH (f:Film) WHERE f.shot_in = '1931' RETURN f.name"),
        ("Which film takes 90 minutes?", "MATCH (f:Film) WHERE f.minutes = 90 RETURN f.name"),
        (
            "Which actors married between 1920 and 1929?",
            "MATCH (x:Actor) WHERE x.married_on >= '1920' AND x.married_on < '1930' RETURN x.name",
        ),
        (
            "Where did the director of The Lamp live?",
            "MATCH (:Film {name: 'The Lamp'})-[:DIRECTED_BY]->(d)-[:LIVED_IN]->(t:Town) RETURN t.name",
        ),
        ("Which films star pupils of Ada Moor?", "MATCH (f:Film)-[:STARS]->(x)-[:PUPIL_OF]->(:Actor {name: 'Ada Moor'}) RETURN f.name"),
        (
            "Who directed the films that star Ada Moor?",
            "MATCH (d:Director)<-[:DIRECTED_BY]-(f:Film)-[:STARS]->(:Actor {name: 'Ada Moor'}) RETURN DISTINCT d.name",
        ),
        (
            "In which region did the director of The Lamp live?",
            "MATCH (:Film {name: 'The Lamp'})-[:DIRECTED_BY]->(d)-[:LIVED_IN]->(t:Town)-[:LIES_IN]->(r:Region) RETURN r.name",
        ),
        ("How many films star Ada Moor?", "MATCH (f:Film)-[:STARS]->(:Actor {name: 'Ada Moor'}) RETURN count(DISTINCT f)"),
        ("Which is the longest film?", "MATCH (f:Film) WHERE f.minutes IS NOT NULL RETURN f.name ORDER BY f.minutes DESC LIMIT 1"),
        (
            "Which actor is in the most films?",
            "MATCH (f:Film)-[:STARS]->(x:Actor) WITH x, count(DISTINCT f) AS n RETURN x.name ORDER BY n DESC LIMIT 1",
        ),
        (
            "Which films star both Ada Moor and Ben Low?",
            "MATCH (:Actor {name: 'Ada Moor'})<-[:STARS]-(f:Film)-[:STARS]->(:Actor {name: 'Ben Low'}) RETURN f.name",
        ),
        (
            "Which actors from Norwick are in no film?",
            "MATCH (x:Actor)-[:LIVED_IN]->(:Town {name: 'Norwick'}) WHERE NOT EXISTS { (:Film)-[:STARS]->(x) } RETURN x.name",
        ),
        ("Did Ada Moor live in Norwick?", "RETURN EXISTS { (:Actor {name: 'Ada Moor'})-[:LIVED_IN]->(:Town {name: 'Norwick'}) } AS answer"),
    )
)


_NAME = re.compile(r":(\w+) \{name: '([^']*)'\}")


def told(example: Example) -> str:
    """As a question itself is asked."""
    named = [(name, label) for label, name in _NAME.findall(example.query)]
    return f"{asked(example.question, named)} {example.query}"


def asked(question: str, named: Iterable[tuple[str, str]], walk: str = "") -> str:
    """A question with the names that stand in it and their labels, and a walk that may fit, up to where its query begins."""
    names = ", ".join(f"'{name}' is {label}" for name, label in named)
    return f"Question: {question}{f' ({names})' if names else ''}{walk and f'{chr(10)}A walk that may fit: {walk}'}\nCypher:"
