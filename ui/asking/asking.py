"""Answers to what programs ask, in the JSON of all faces; bounded by the limits of ``arguments``. ``propose`` alone writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy

from kgplatform.errors import BadRequest
from kgplatform.facts import Facts as Selected
from kgplatform.graph import KnowledgeGraph
from kgplatform.literals import DATATYPES
from kgplatform.lm.ports import Encoder
from kgplatform.names import label, property_name, relationship_type
from kgplatform.ports import Limits, Stopping
from ui import shapes
from ui.asking import arguments
from ui.asking.guides import Guides, Marks
from ui.shapes import Shape


class Asking:
    """A graph that is asked. Threads may share it."""

    def __init__(self, graph: KnowledgeGraph, encoder: Callable[[], Encoder], marks: Marks = tuple) -> None:
        self.graph, self.encoder, self.name, self.program = graph, encoder, "", "unnamed"
        self.guides = Guides(graph, encoder, marks)

    def named(self, name: str) -> Asking:
        """The same for one asker, by whose name ``stop`` ends what runs on the graph's server."""
        mine = copy(self)
        mine.name = name
        return mine

    def of(self, program: str) -> Asking:
        """The same for a program that calls itself so."""
        mine = copy(self)
        mine.program = program or self.program
        return mine

    def stop(self) -> None:
        """End the queries that run for this asker, who has gone away."""
        if isinstance(self.graph.store, Stopping):
            self.graph.store.stop(self.name)

    def search(self, asked: arguments.Search) -> Shape:
        kg, text, limit = self.graph, asked.text, asked.limit
        hits = kg.similar(text, self.encoder(), limit) if asked.meaning else kg.search(text, limit)
        return {"entities": [shapes.hit(hit) for hit in hits]}

    def entity(self, asked: arguments.Entity) -> Shape:
        return shapes.entity(self.graph.entity(asked.entity))

    def neighbours(self, asked: arguments.Neighbours) -> Shape:
        found = self.graph.neighbours(asked.entity, asked.hops, asked.limit, **asked.which)
        return {"entity": shapes.entity(self.graph.entity(asked.entity)), "facts": [shapes.fact(one) for one in found]}

    def paths(self, asked: arguments.Paths) -> Shape:
        if asked.end is None and asked.pattern is None:
            raise BadRequest("say where paths should end, or give a pattern that leads to the ends")
        at, how = (asked.start, asked.end), asked.which
        found = self.graph.paths(*at, asked.max_hops, asked.k, by=asked.by, pattern=asked.pattern, directed=asked.directed, **how)
        return {"paths": [shapes.path(self.graph.store, path) for path in found]}

    def facts(self, asked: arguments.Facts) -> Shape:
        found = list(iter(self._selected(asked, asked.limit + 1, asked.after)))
        more = len(found) > asked.limit
        return {
            "facts": [shapes.fact(one) for one in found[: asked.limit]],
            "next": found[asked.limit - 1].key if more else None,
        }

    def every_fact(self, asked: arguments.Select) -> Iterator[Shape]:
        """All facts that fit, streamed. What is asked for is looked up at once, and raises at once."""
        return map(shapes.fact, self._selected(asked))

    def _selected(self, asked: arguments.Select, limit: int | None = None, after: str | None = None) -> Selected:
        return self.graph.facts(asked.head, asked.relation, asked.tail, limit=limit, after=after, **asked.which)

    def explain(self, asked: arguments.Explain) -> Shape:
        return shapes.explanation(self.graph.explain(asked.fact))

    def cypher(self, asked: arguments.Cypher) -> Shape:
        answer = self.graph.read(asked.query, asked.parameters, Limits(asked.limit, asked.seconds, name=self.name))
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        return {"columns": list(answer.columns), "rows": rows, "complete": answer.complete}

    def ask(self, asked: arguments.Ask) -> Shape:
        said = self.guides.guide(asked.include_predicted).answer(asked.question, asked.means)
        return shapes.answer(asked.question, said, shapes.walks(self.graph.store, said.paths))

    def propose(self, asked: arguments.Propose) -> Shape:
        from ui.asking import proposing

        return shapes.fact(proposing.propose(self.graph, asked, self.program))

    def schema(self, _: arguments.Schema) -> Shape:
        cards, kinds, signatures = self.graph.relations(), self.graph.kinds(), self.graph.signatures()
        names = dict.fromkeys((*(one.relation for one in signatures), *cards))
        met = dict.fromkeys(end for one in signatures for end in (one.head, one.tail) if end not in DATATYPES)
        return {
            "graph": self.graph.store.address,
            "relations": [
                {
                    "name": name,
                    "type": relationship_type(name),
                    "property": property_name(name),
                    "definition": cards[name].definition if name in cards else "",
                    "inverse": cards[name].inverse if name in cards else "",
                    "functional": name in cards and cards[name].functional,
                    "symmetric": name in cards and cards[name].symmetric,
                    "joins": [{"head": s.head, "tail": s.tail, "facts": s.facts} for s in signatures if s.relation == name],
                }
                for name in names
            ],
            "kinds": [
                {
                    "name": name,
                    "label": label(name),
                    "is_a": kinds[name].is_a if name in kinds else "",
                    "description": kinds[name].description if name in kinds else "",
                }
                for name in dict.fromkeys((*met, *kinds))
            ],
        }
