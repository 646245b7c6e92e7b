"""Facts as N-Triples: the triples of ``turtle``, every IRI in full, for tools that read lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from kgplatform.formats import turtle
from kgplatform.formats.rows import Rows, Stated
from kgplatform.types import Source


def read(file: IO[bytes], source: Source) -> Rows:
    yield from turtle.read_as(file, source, "N_TRIPLES")


def write(stated: Iterable[Stated], file: IO[bytes]) -> None:
    turtle.write_as(stated, file, turtle.full)
