"""The composition root of the faces: settings in, and what they open lazily, closed together."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from kgplatform import settings as settings_module
from kgplatform.errors import NotFound

if TYPE_CHECKING:
    from harvest.documents.mentions import Reader
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.lm.ports import Encoder, TokenScorer
    from kgplatform.settings import Settings
    from kgplatform.types import Forgotten


def load(*, home: str | None = None, graph: str | None = None) -> Settings:
    """The settings, with what a person named for this once; ``graph`` is a database where a Neo4j is configured."""
    settings = settings_module.load({"KG_HOME": home})
    if graph is None:
        return settings
    name = "NEO4J_DATABASE" if settings["NEO4J_URI"] else "KG_GRAPH"
    return settings_module.load({"KG_HOME": home, name: graph})


class Wire:
    """The graph and the models of one command or one page, each opened when it is first used.

    Use it as a context manager, or ``close`` it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @cached_property
    def graph(self) -> KnowledgeGraph:
        from kgplatform.opening import connect

        return connect(settings=self.settings)

    @cached_property
    def scorer(self) -> TokenScorer:
        from kgplatform.opening import scorer

        return scorer(self.settings)

    @cached_property
    def encoder(self) -> Encoder:
        from kgplatform.opening import encoder

        return encoder(self.settings)

    @cached_property
    def reader(self) -> Reader:
        from harvest.documents.mentions import Reader
        from kgplatform.opening import reader

        return Reader(reader(self.settings))

    def forget(self, source: str) -> tuple[Forgotten, int]:
        """Withdraw a source from the graph, and what chat models answered to its text: how many answers. Raises ``NotFound``."""
        from kgplatform.lm.cached_chat import erase
        from kgplatform.lm.wrapping import answers_file
        from kgplatform.types import Forgotten

        erased = erase(answers_file(self.settings), source)
        try:
            return self.graph.forget(source), erased
        except NotFound:
            if not erased:
                raise
            return Forgotten(), erased

    def close(self) -> None:
        """Close what was opened."""
        if "graph" in self.__dict__:
            self.graph.close()
