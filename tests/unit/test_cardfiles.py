"""Files of many cards: ours, and those of BertNet's authors."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.cardfiles import as_yaml, read, read_cards
from kgplatform.cards import LARGEST, relation_from, slots
from kgplatform.errors import BadCard, BadRequest

ORIGINALS = Path(__file__).parents[3] / "shared" / "data" / "bertnet"
BORN: dict[str, Any] = {
    "init_prompts": ["<ENT0> was born in <ENT1> ."],
    "seed_ent_tuples": [["Phil Upchurch", "Chicago"], ["Max Ernst", "Paris"]],
    "prompts": [
        "<ENT0> was born in <ENT1> .",
        "The birthplace of <ENT0> , so they say , is <ENT1> .",
        "<ENT0> was born in <ENT1>, lancashire, england .",
        "<ENT1> is the town where <ENT0> was born in 1882 .",
        "<ENT0> is a <ENT1>er by birth .",
        "As a child <ENT0> lived in <ENT1>, not in Paris .",
        "<ENT0> were born in <ENT1> .",
    ],
}
DOING: dict[str, Any] = {
    "init_prompts": ["<ENT0> can <ENT1> in <ENT2> ."],
    "seed_ent_tuples": [["people", "work out", "gym"]],
    "prompts": ["At the <ENT2>, <ENT0> can <ENT1> .", "<ENT0> can <ENT1>"],
}


def kept(path: Path, raw: Any) -> Path:
    path.write_text(json.dumps(raw), "utf-8")
    return path


def test_the_originals_json_becomes_cards(tmp_path: Path) -> None:
    born, doing = read_cards(kept(tmp_path / "info.json", {"P19_place_of_birth": BORN, "somebody_do": DOING}))
    assert (born.name, doing.name, doing.key_qualifiers) == ("place of birth", "somebody do", ("third",))
    assert born.prompts == ("{head} was born in {tail}", "The birthplace of {head}, so they say, is {tail}")
    assert born.seeds == (("Phil Upchurch", "Chicago"), ("Max Ernst", "Paris"))
    assert slots(doing) == ("head", "tail", "third")
    assert (doing.prompts, doing.seeds) == (
        ("{head} can {tail} in {third}", "At the {third}, {head} can {tail}"),
        (("people", "work out", "gym"),),
    )


@pytest.mark.parametrize("name", ["info.json.gz", "info.JSON.GZ", "cards.yaml.gz", "cards.yaml", "info.json"])
def test_a_compressed_file_has_the_same_cards(tmp_path: Path, name: str) -> None:
    raw = {"P19_place_of_birth": BORN, "somebody_do": DOING} if "info" in name else [{"name": "likes", "prompts": ["{head} likes {tail}"]}]
    path = tmp_path / name
    path.write_bytes(gzip.compress(json.dumps(raw).encode()))
    assert read(path) == read(kept(tmp_path / f"plain{name.casefold().removesuffix('.gz')}", raw))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bz2.compress(b"name: likes"), "is compressed as bzip2, which is not read here: unpack it, or compress it with gzip"),
        (lzma.compress(b"name: likes"), "is compressed as xz"),
        (b"PK\x03\x04" + bytes(40), "is compressed as zip"),
        (gzip.compress(b"name: likes" * 99, mtime=0)[:-9], "its compressed content is damaged"),
        (b"\x1f\x8b" + bytes(40), "cannot be read"),
        (gzip.compress(b"caf\xe9", mtime=0), "is not UTF-8 text"),
        (gzip.compress(bytes(LARGEST + 1), mtime=0), "holds more than 67,108,864 bytes: this is no file of cards"),
    ],
)
@pytest.mark.parametrize("name", ["card.yaml.gz", "card.json.gz"])
def test_what_cannot_be_unpacked_gets_its_sentence(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadCard, match=rf"{name}: .*{words}"):
        read(tmp_path / name)


def test_what_is_left_out_is_said_with_its_reason(tmp_path: Path) -> None:
    file = read(kept(tmp_path / "info.json", {"born": BORN, "do": DOING}))
    said = [(out.relation, out.why) for out in file.left_out]
    assert said == [
        ("born", "it says 'lancashire' beside a slot, which is of one seed"),
        ("born", "it brings in '1882', of which the card says nothing"),
        ("born", "letters stand right beside a slot ({tail}er), which few names bear"),
        ("born", "it holds 'paris', which belongs to a seed"),
        ("born", "it is too much like '{head} was born in {tail}' (90 of 100)"),
        ("do", "it does not hold {third} once"),
    ]


def test_one_card_and_a_list_of_cards_are_read_from_yaml_and_json(tmp_path: Path) -> None:
    one, other = ({"name": name, "prompts": ["{head} " + name + " {tail}"]} for name in ("likes", "knows"))
    for name in ("cards.yaml", "cards.json"):
        assert [card.name for card in read_cards(kept(tmp_path / name, one))] == ["likes"]
        assert [card.name for card in read_cards(kept(tmp_path / name, [one, other]))] == ["likes", "knows"]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"born": {**BORN, "colour": 1}}, "'born': unknown field 'colour'"),
        ({"born": {**BORN, "init_prompts": ["<ENT0> was born"]}}, "'born': .*must hold {head} once"),
        ({"born": {**BORN, "init_prompts": "x"}}, "init_prompts must be a list"),
        ({"born": {**BORN, "init_prompts": ["<ENT0> <ENT1> <ENT3>"]}}, "unknown slot {ENT3}"),
        ({"born": {**BORN, "seed_ent_tuples": [["a"]]}}, "has 1 of the 2 words"),
        ({"P1_born": BORN, "P2_born": BORN}, "two cards called 'born'"),
        ([{"name": "likes", "prompts": ["{head} likes {tail}"]}, {"name": "x"}], "card 2: 'x' has no prompts"),
        ({}, "the card has no  name"),
        ([], "a card is a mapping"),
        (3, "a card is a mapping"),
    ],
)
def test_a_bad_file_is_named_with_the_card(tmp_path: Path, raw: Any, sentence: str) -> None:
    path = kept(tmp_path / "info.json", raw)
    with pytest.raises(BadCard, match=sentence) as refused:
        read_cards(path)
    assert str(refused.value).startswith(str(path))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [(b"{", "line 1: is not JSON"), (b"\xff", "is not UTF-8"), (b"[" * 100_000, "is not JSON"), (b"9" * 5000, "is not JSON")],
)
def test_what_is_no_json_is_said(tmp_path: Path, raw: bytes, sentence: str) -> None:
    path = tmp_path / "info.json"
    path.write_bytes(raw)
    with pytest.raises(BadCard, match=sentence):
        read_cards(path)
    with pytest.raises(BadCard, match="cannot be read"):
        read_cards(tmp_path / "gone.json")


PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ", exclude_characters="{}")
WORD = st.text(PRINTABLE, min_size=1, max_size=9).filter(lambda text: bool(text.strip()))


@given(WORD, WORD, st.lists(st.tuples(WORD, WORD, WORD), max_size=3), st.booleans())
def test_a_card_written_is_the_card_read(name: str, definition: str, seeds: list[tuple[str, str, str]], mark: bool) -> None:
    raw = {"name": name, "definition": definition, "transitive": mark, "key_qualifiers": ["year"], "qualifier_kinds": {"place": "city"}}
    try:
        card = relation_from({**raw, "prompts": [f"{{head}} {name} {{tail}} {{year}}"], "seeds": [list(seed) for seed in seeds]})
    except BadRequest:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "card.yaml"
        path.write_text(as_yaml(card), "utf-8")
        assert read_cards(path) == [card]


def test_a_written_card_says_only_what_there_is_to_say() -> None:
    card = relation_from({"name": "born on", "prompts": ["{head} was born on {tail}"], "seeds": [["Ada", "1815"]]})
    assert as_yaml(card) == "name: born on\nprompts: ['{head} was born on {tail}']\nseeds:\n- [Ada, '1815']\n"


@pytest.mark.skipif(not ORIGINALS.is_dir(), reason="the cards of BertNet's authors are not on this machine")
@pytest.mark.parametrize(("name", "count", "ternary"), [("lama", 41, 0), ("human", 14, 3)])
def test_all_cards_of_the_original_load(name: str, count: int, ternary: int) -> None:
    file = read(ORIGINALS / f"relation_info.{name}.json")
    assert len(file.cards) == count
    assert sum(slots(card) == ("head", "tail", "third") for card in file.cards) == ternary
    assert all(len(card.seeds) == 5 and card.prompts for card in file.cards)
    assert not [prompt for card in file.cards for prompt in card.prompts if "lancashire" in prompt or "<ENT" in prompt]
    assert all(out.why for out in file.left_out)
