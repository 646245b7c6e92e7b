"""Tables and texts as files hold them, compressed or not: their columns by name, and which of them is meant by a word."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from kgplatform.errors import BadFile

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "user_id", "userid"),
    "item": ("item", "item_id", "itemid"),
    "rating": ("rating", "score", "stars"),
    "time": ("time", "timestamp", "date"),
}
"""What the columns of a table may be called."""
TABBED = (".tsv", ".inter", ".link", ".kg", ".item", ".user", ".txt")
"""What else than a comma separates by tabs."""


def columns(path: Path) -> dict[str, list[str]]:
    """The columns of a table by their names, all as text; those of lists are left out. Raises ``BadFile``."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    if not path.is_file():
        raise BadFile(f"{path}: there is no such file or folder")
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            table = parquet.read_table(path)
        else:
            delimiter = "\t" if name.endswith(TABBED) else ","
            parsed = csv.ParseOptions(delimiter=delimiter, quote_char='"')
            with csv.open_csv(path, parse_options=parsed) as opened:
                names = opened.schema.names
            text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
            table = csv.read_csv(path, parse_options=parsed, convert_options=text)
        if twice := [name for name, count in Counter(table.column_names).items() if count > 1]:
            raise BadFile(f"{path}: has the column {twice[0]!r} twice: name each once in its first line")
        plain = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
        return {told: table[told].cast(pa.string()).to_pylist() for told in plain}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadFile(f"{path}: cannot be read as a table: {' '.join(str(error).split())[:160]}") from None


def untyped(path: Path) -> dict[str, list[str]]:
    """The columns without RecBole's types (``user_id:token``)."""
    return {name.partition(":")[0]: values for name, values in columns(path).items()}


def meant(columns: Mapping[str, list[str]], words: tuple[str, ...]) -> list[str] | None:
    """The first column that is called by one of these words."""
    return next((values for name, values in columns.items() if name.strip().lower() in words), None)


def near(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path}: is not UTF-8") from None
