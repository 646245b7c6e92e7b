"""The types and indexes of a graph on the local server, in its SQL; where they are there, they stay."""

from __future__ import annotations

from kgplatform.store.schema import OURS


def lines() -> list[str]:
    made = [line for label in OURS for line in _type(label, "UNIQUE")]
    for place in ("Entity.name", "Entity.name_key", "Entity.aliases_text", "Entity.alias_marks", "KgBatch.source", "KgBatch.run"):
        made.append(f"CREATE PROPERTY {place} IF NOT EXISTS STRING")
    made += [
        "CREATE INDEX IF NOT EXISTS ON Entity (name_key) NOTUNIQUE",
        "CREATE INDEX IF NOT EXISTS ON Entity (name, aliases_text) FULL_TEXT",
        "CREATE INDEX IF NOT EXISTS ON Entity (alias_marks) FULL_TEXT",
        "CREATE PROPERTY KgPassage.source IF NOT EXISTS STRING",
        "CREATE PROPERTY KgPassage.text IF NOT EXISTS STRING",
        "CREATE INDEX IF NOT EXISTS ON KgPassage (source) NOTUNIQUE",
        "CREATE INDEX IF NOT EXISTS ON KgPassage (text) FULL_TEXT",
        "CREATE INDEX IF NOT EXISTS ON KgBatch (source) NOTUNIQUE",
        "CREATE INDEX IF NOT EXISTS ON KgBatch (run) NOTUNIQUE",
        "CREATE PROPERTY KgBatch.time IF NOT EXISTS LONG",
        "CREATE INDEX IF NOT EXISTS ON KgBatch (time) NOTUNIQUE",
    ]
    return made


def users() -> list[str]:
    """Of those who interact with entities; an entity may be called User too."""
    return [*_type("KgUser", "UNIQUE"), *_type("User", "NOTUNIQUE")]


def _type(label: str, index: str) -> list[str]:
    return [
        f"CREATE VERTEX TYPE {label} IF NOT EXISTS",
        f"CREATE PROPERTY {label}.id IF NOT EXISTS STRING",
        f"CREATE INDEX IF NOT EXISTS ON {label} (id) {index}",
    ]
