"""Files as documents: what is read, what is refused and with which sentence, and which source a file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvest.documents import read as reading
from harvest.documents.read import read, read_all
from kgplatform.errors import BadFile

TEXT = "Radium\n\nMarie Curie was born in Warsaw.\n"


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \r\n\t\n", "is empty"),
        ("mark.txt", b"\xef\xbb\xbf \n", "is empty"),
        ("binary.txt", b"\x7fELF\x02\x00\x01", "not a text file"),
        ("paper.pdf", b"%PDF-1.7\nstream", "not a text file"),
        ("wide.txt", TEXT.encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
        ("wide-be.txt", b"\xfe\xff" + TEXT.encode("utf-16-be"), "is UTF-16 text: save it as UTF-8"),
        ("latin.txt", "Zürich".encode("latin-1"), "is not UTF-8 text (byte 1): save it as UTF-8"),
        ("surrogate.txt", "ab\ud800".encode("utf-8", "surrogatepass"), "is not UTF-8 text (byte 2)"),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_do(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(BadFile) as error:
        read(written(tmp_path, name, content))
    assert name in str(error.value)
    assert words in str(error.value)


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"gone\.txt: there is no such file"):
        read(tmp_path / "gone.txt")
    with pytest.raises(BadFile, match="cannot be read"):
        read(tmp_path)


def test_a_file_beyond_the_limit_is_refused_and_one_at_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 1_000_000)
    assert len(read(written(tmp_path, "full.txt", b"a" * 1_000_000)).text) == 1_000_000
    with pytest.raises(BadFile, match=r"large\.txt: is larger than 1 MB: split it"):
        read(written(tmp_path, "large.txt", b"a" * 1_000_001))


def test_the_source_is_the_content_whatever_the_file_is_called(tmp_path: Path) -> None:
    first, second = (read(written(tmp_path, name, TEXT.encode())) for name in ("a.txt", "b.md"))
    other = read(written(tmp_path, "a.txt", f"{TEXT} ".encode()))
    assert first.source.id == second.source.id != other.source.id
    assert (first.source.uri, second.source.uri) == ("a.txt", "b.md")
    assert first.source.kind == "document"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert read(written(tmp_path, "mark.txt", b"\xef\xbb\xbf" + TEXT.encode())).text == TEXT


def test_line_ends_stay_so_that_offsets_hold(tmp_path: Path) -> None:
    assert read(written(tmp_path, "dos.txt", b"one\r\ntwo\r\n")).text == "one\r\ntwo\r\n"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (TEXT, "Radium"),
        ("\n\n## The radium *standard* \n\ntext", "The radium *standard*"),
        ("#\ntext", "a.txt"),
        ("word " * 40, "a.txt"),
        ("one\r\ntwo", "one"),
    ],
)
def test_the_title_is_a_short_first_line_or_the_files_name(tmp_path: Path, text: str, title: str) -> None:
    assert read(written(tmp_path, "a.txt", text.encode())).source.title == title


def test_folders_give_their_texts_in_order_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("b.TXT", "below/a.md", "c.rst", "table.csv", "notes"):
        written(tmp_path, name, name.encode())
    documents, skipped = read_all([tmp_path / "notes", tmp_path, tmp_path / "b.TXT"])
    assert [document.text for document in documents] == ["notes", "b.TXT", "below/a.md", "c.rst"]
    assert skipped == []


def test_what_cannot_be_read_in_a_folder_is_skipped_and_told_but_refused_when_it_was_named(tmp_path: Path) -> None:
    bad = written(tmp_path, "a.txt", b"\xff\xfe")
    written(tmp_path, "b.txt", b"x")
    documents, skipped = read_all([tmp_path])
    assert [document.text for document in documents] == ["x"]
    assert len(skipped) == 1
    assert str(bad) in skipped[0]
    with pytest.raises(BadFile, match=r"a\.txt"):
        read_all([tmp_path / "b.txt", bad])


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "table.csv", b"x")
    with pytest.raises(BadFile, match=r"holds no text files \(\.txt, \.md"):
        read_all([tmp_path])
