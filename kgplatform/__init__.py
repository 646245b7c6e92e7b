"""Knowledge graphs whose every fact shows where it comes from.

>>> import kgplatform
>>> kg = kgplatform.connect("memory")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.opening import connect

__all__ = ["KnowledgeGraph", "connect"]


def __getattr__(name: str) -> Any:
    # Lazy, so that ``import kgplatform.errors`` costs nothing.
    if name == "connect":
        from kgplatform.opening import connect

        return connect
    if name == "KnowledgeGraph":
        from kgplatform.graph import KnowledgeGraph

        return KnowledgeGraph
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
