"""A file is written whole or not at all, and what is no file is left alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgplatform.errors import BadFile
from kgplatform.graph import KnowledgeGraph
from kgplatform.store import backup
from kgplatform.store.lines import Line
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Source, SourceId
from kgplatform.wholefile import whole

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from kgplatform.wholefile import whole
with whole(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def write(path: Path, content: bytes = b"new") -> None:
    with whole(path) as file:
        file.write(content)


def export(path: Path) -> None:
    kg = KnowledgeGraph(MemoryStore())
    ends = (Entity(EntityId(f"city:{name}"), name) for name in ("Ulm", "Bonn"))
    kg.put([Claim(next(ends), "near", next(ends), (Evidence("text", Source(SourceId("doc:1"), "document")),))])
    kg.dump(path, format="tsv", status="all")


def back_up(path: Path) -> None:
    backup.write([{"end": True}], path)


@pytest.mark.parametrize("writer", [write, export, back_up])
def test_what_is_no_regular_file_is_left_alone(writer: object, tmp_path: Path) -> None:
    assert callable(writer)
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(BadFile, match=f"{path.name}: is no regular file"):
            writer(path)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert link.is_symlink()
    with pytest.raises(BadFile, match="folder"):
        writer(tmp_path)
    with pytest.raises(BadFile, match=r"there is no folder .*nowhere: make it first"):
        writer(tmp_path / "nowhere" / "file")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "pipe"]


@pytest.mark.parametrize("writer", [write, export, back_up])
def test_a_symbolic_link_is_followed(writer: object, tmp_path: Path) -> None:
    assert callable(writer)
    (tmp_path / "there").mkdir()
    target, link, fresh, round_ = tmp_path / "there" / "file", tmp_path / "link", tmp_path / "fresh", tmp_path / "round"
    target.write_bytes(b"old")
    target.chmod(0o600)
    link.symlink_to(target)
    writer(link)
    assert link.is_symlink()
    assert target.read_bytes() != b"old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    fresh.symlink_to(tmp_path / "there" / "made")
    writer(fresh)
    assert (tmp_path / "there" / "made").is_file()
    round_.symlink_to(round_)
    with pytest.raises(BadFile, match="round: cannot be written"):
        writer(round_)


def test_what_breaks_off_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def broken() -> Iterator[Line]:
        yield {"end": False}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup.write(broken(), path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"old")]


def test_what_is_written_is_on_the_disk_before_it_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    fsync = os.fsync

    def synced(file: int) -> None:
        seen.append((tmp_path / "file").exists())
        fsync(file)

    monkeypatch.setattr(os, "fsync", synced)
    back_up(tmp_path / "file")
    assert seen == [False]


def test_drafts_of_dead_writers_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / ("居" * 80)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    for one in writers:
        assert one.stdout
        assert one.stdout.readline() == b"writing\n"
    other = tmp_path / f".{path.name[:50]}.notes"
    other.touch()
    writers[0].kill()
    writers[0].communicate()
    assert len(list(tmp_path.iterdir())) == 3
    write(path)
    assert len(list(tmp_path.iterdir())) == 3  # the file, the notes, and what is being written
    assert path.read_bytes() == b"new"
    writers[1].communicate()
    assert {one: one.read_bytes() for one in tmp_path.iterdir()} == {path: b"half", other: b""}
