"""What one put has met, so that its next batch need not read it again."""

from __future__ import annotations

import uuid

from kgplatform.types import Entity, EntityId


class Known:
    """Entities and sources that a put has met: whoever relies on them must ``check`` at the end that they are as they were.

    ``certain`` says that this is known: nobody else has written since they were met, nor can before the transaction ends.
    """

    MOST = 200_000

    def __init__(self) -> None:
        self.entities: dict[EntityId, Entity] = {}
        self.epochs: dict[str, int] = {}
        self.writer = uuid.uuid4().hex
        self.certain = False

    def clear(self) -> None:
        self.entities.clear()
        self.epochs.clear()

    def bound(self) -> None:
        """Begin anew when there is too much."""
        if len(self.entities) + len(self.epochs) > self.MOST:
            self.clear()
