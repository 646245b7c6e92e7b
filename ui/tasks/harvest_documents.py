"""Facts out of documents. One that an earlier job has read is passed over; with ``sync`` one that is no longer there is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.types import SourceId
from ui import shapes
from ui.tasks import Doing, paths
from ui.wire import place

if TYPE_CHECKING:
    from harvest.documents.read import Document


def arguments(
    texts: Sequence[Path], cards: Sequence[Path] = (), *, again: bool = False, sync: bool = False, dry_run: bool = False
) -> Mapping[str, Any]:
    """``texts``: files, or folders of them; ``cards``: files, none for those that ship. Raises ``BadFile``."""
    there = paths.present(texts, "file or folder")
    return {"paths": there, "cards": paths.cards(cards), "again": again, "sync": sync, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from harvest.documents import advice, harvest
    from harvest.documents.read import read_all
    from kgplatform.cards import read_relation

    asked, wire = doing.arguments, doing.wire
    read, skipped = read_all([Path(path) for path in asked["paths"]])
    for line in skipped:
        doing.note(f"  skipped: {line}")
    gone = _gone(doing, read, whole=not skipped) if asked.get("sync") else []
    with doing.progress("reading"):
        report = harvest(
            wire.graph,
            read,
            scorer=wire.scorer,
            encoder=wire.encoder,
            reader=wire.reader,
            cards=[read_relation(Path(card)) for card in asked.get("cards", ())] or None,
            dry_run=doing.dry_run,
            again=asked.get("again", False),
            steps=doing.steps,
            gone=gone,
        )
    return {
        "dry_run": doing.dry_run,
        "documents": report.documents,
        "passed": report.passed,
        "skipped": len(skipped),
        "gone": gone,
        "candidates": report.found,
        "found": doing.first(shapes.candidate(found) for found in report.candidates),
        **shapes.counts(report.receipt),
        "unlinked": doing.first(f"{shapes.candidate(one.candidate)}: {one.why}" for one in report.unlinked),
        "changed": report.changed.shape(),
        "notes": list(advice(report)),
    }


def _gone(doing: Doing, read: Sequence[Document], *, whole: bool) -> list[SourceId]:
    """The texts that harvests of these paths read and that are no longer among them, as far as no harvest of other paths read them too."""
    if not whole:
        doing.note("  nothing is forgotten, since files could not be read: mend them or move them away")
        return []
    here, elsewhere = set[str](), set[str]()
    for arguments, keys in doing.wire.ledger.done("harvest documents", place(doing.wire.settings)):
        texts = here if arguments["paths"] == doing.arguments["paths"] else elsewhere
        texts |= {key.partition("@")[0] for key in keys if key.startswith("doc:")}
    there = {document.source.id for document in read}
    gone = [SourceId(text) for text in sorted(here - there) if doing.wire.graph.store.document(SourceId(text))]
    if shared := len(elsewhere.intersection(gone)):
        doing.note(f"  {shared:,} texts that are gone here stay, since harvests of other paths read them too")
    return [source for source in gone if source not in elsewhere]
