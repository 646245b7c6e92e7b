"""Tuples that a masked model proposes: what looking at everything would give, and the relation that a model was taught."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harvest.bertnet.masked import MaskedJudge
from harvest.bertnet.search import Bounds, search
from harvest.bertnet.stopwords import STOP
from kgplatform.lm.cloze import MASK, Cloze, sentence
from kgplatform.lm.masked import TransformersMasked
from kgplatform.lm.ports import MaskedModel
from kgplatform.lm.scripted_masked import ScriptedMasked
from kgplatform.types import Words
from tests import masked_models

SLOTS = ("head", "tail")
PROMPTS = ("{head} is the capital of {tail}", "the capital of {tail} is {head} .")
CLOZE = Cloze(PROMPTS, (3.0, 1.0), SLOTS)
TOLD = ("Paris is the capital of France", "Cairo is the capital of Egypt", "Lima is the capital of Peru")


def everything(model: MaskedModel, cloze: Cloze, tokens: int) -> list[tuple[Words, float, float]]:
    """All tuples there are, with score and sum, one partial tuple at a time, the plain way."""
    pieces = model.pieces
    stop = {number for number, text in enumerate(pieces.texts) if text in STOP and pieces.opens[number]}

    def after(known: tuple[int, ...], length: int) -> list[int]:
        able = [number for number in range(len(pieces.texts)) if pieces.opens[number] or (known and pieces.continues[number])]
        if len(known) == 1 and known[0] in stop:
            able = [number for number in able if pieces.continues[number]]
        return [number for number in able if number not in stop] if len(known) + 1 == length else able

    def grown(partial: Any, slot: int) -> list[tuple[Any, float]]:
        if MASK not in partial[slot]:
            return [(partial, 0.0)]
        place = partial[slot].index(MASK)
        able = after(partial[slot][:place], len(partial[slot]))
        if not able:
            return []
        logs = model.fill(cloze, [partial])[0, able].astype(np.float64)
        logs -= np.logaddexp.reduce(logs)
        found = []
        for token, log in zip(able, logs, strict=True):
            tokens = (*partial[slot][:place], token, *partial[slot][place + 1 :])
            more = grown((*partial[:slot], tokens, *partial[slot + 1 :]), slot)
            found += [(ended, float(log) + rest) for ended, rest in more]
        return found

    results = []
    for lengths in itertools.product(range(1, tokens + 1), repeat=len(cloze.slots)):
        begun: list[tuple[Any, list[float]]] = [(tuple((MASK,) * length for length in lengths), [])]
        for slot in range(len(lengths)):
            begun = [(ended, [*logs, log]) for partial, logs in begun for ended, log in grown(partial, slot)]
        for partial, logs in begun:
            words = model.spell(list(partial))
            if None not in words and len(set(words)) == len(words):
                results.append((tuple(str(word) for word in words), min(logs), sum(logs)))
    return sorted(results, key=lambda one: (-one[1], -one[2]))


def capped(ranked: Sequence[tuple[Words, float, float]], n: int, bounds: Bounds) -> list[tuple[Words, float]]:
    """The first ``n`` that the caps let through, taken in the order of their scores."""
    heads, words, found = Counter[str](), Counter[str](), list[tuple[Words, float]]()
    for names, score, _ in ranked:
        if heads[names[0]] < bounds.per_head and all(words[name] < bounds.per_word for name in names) and len(found) < n:
            found.append((names, score))
            heads[names[0]] += 1
            words.update(names)
    return found


SMALL = "paris cairo un ##hap ##py the of is capital france york ,".split()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[MaskedModel, dict[int, list[tuple[Words, float, float]]]]:
    folder = masked_models.save(tmp_path_factory.mktemp("small"), masked_models.wordpieces(SMALL), spread=0.8)
    model = TransformersMasked(folder, "small@1", "cpu")
    return model, {tokens: everything(model, CLOZE, tokens) for tokens in (1, 2)}


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(1, 99, 99),
        Bounds(2, 999, 999),
        Bounds(2, 999, 999, batch=1),
        Bounds(2, 2, 999, batch=7),
        Bounds(2, 3, 4),
        Bounds(2, 5, 2, batch=3),
    ],
)
@pytest.mark.parametrize("n", [1, 10, 40, 1000])
def test_search_finds_what_looking_at_everything_finds(small: Any, bounds: Bounds, n: int) -> None:
    model, ranked = small
    wanted = capped(ranked[bounds.tokens], n, bounds)
    found = search(model, CLOZE, n, bounds)
    assert [words for words, _ in found] == [words for words, _ in wanted]
    assert [score for _, score in found] == pytest.approx([score for _, score in wanted], abs=1e-4)
    if bounds.tokens == 2 and n == 1000:
        assert any(" " in word for words, _ in found for word in words) and any(
            "un" in word[2:] or "unpy" in word for words, _ in found for word in words
        )


def test_search_fills_three_slots(small: Any) -> None:
    model, _ = small
    cloze = Cloze(("{head} is the {tail} of {place}", "in {place} {tail} , {head}"), (1.0, 1.0), ("head", "tail", "place"))
    wanted = capped(everything(model, cloze, 1), 30, bounds := Bounds(1, 4, 6))
    found = search(model, cloze, 30, bounds)
    assert [words for words, _ in found] == [words for words, _ in wanted] and len(found[0][0]) == 3


def test_search_reads_little_and_keeps_to_its_limit(small: Any) -> None:
    model, ranked = small
    read: list[int] = []

    class Counting:
        pieces, spell = model.pieces, model.spell

        def fill(self, cloze: Cloze, partial: Any) -> Any:
            read.append(len(partial) * len(cloze.prompts))
            return model.fill(cloze, partial)

    free = Bounds(2, 999, 999, batch=4)
    best = search(Counting(), CLOZE, 10, free)  # type: ignore[arg-type]
    assert sum(read) < len(ranked[2])
    read.clear()
    part = search(Counting(), CLOZE, 10, dataclasses.replace(free, sentences=40))  # type: ignore[arg-type]
    assert sum(read) <= 40 and 0 < len(part) <= 10
    scores = {words: score for words, score, _ in ranked[2]}
    assert [score for _, score in part] == pytest.approx([scores[words] for words, _ in part], abs=1e-4)
    assert sum(score for _, score in part[:3]) <= sum(score for _, score in best[:3]) + 1e-4
    assert search(model, CLOZE, 10, dataclasses.replace(free, sentences=0)) == []
    assert search(model, CLOZE, 0) == []


def test_search_leaves_out_banned_words_and_stop_words(small: Any) -> None:
    model, _ = small
    found = search(model, CLOZE, 10_000, Bounds(2, 999, 999, banned=frozenset({"paris", "york cairo"})))
    names = {word for words, _ in found for word in words}
    assert names and not names & {"paris", "york cairo", "the", "of", "is"} and "paris york" in names
    assert not any(name.split()[0] in ("the", "of", "is") or name.split()[-1] in ("the", "of", "is") for name in names)


def test_search_counts_in_progress(small: Any) -> None:
    model, _ = small
    seen: list[tuple[int, int]] = []
    found = search(model, CLOZE, 5, progress=lambda done, total: seen.append((done, total)))
    assert len(found) == 5 and list(dict.fromkeys(seen)) == [(done, 5) for done in range(6)]
    assert seen == sorted(seen) and seen.count((0, 5)) > 1  # also between batches, while nothing is complete


def test_search_with_words_that_were_told() -> None:
    found = search(ScriptedMasked(TOLD), Cloze(PROMPTS[:1], (1.0,), SLOTS), 3, Bounds(1))
    assert {words for words, _ in found} == {("paris", "france"), ("cairo", "egypt"), ("lima", "peru")}
    assert found[0][1] >= found[1][1] >= found[2][1]


# -- a model that was taught a relation --------------------------------------------------------------

TAUGHT = ("{head} is the zorp of {tail}", "the zorp of {tail} is {head}", "in {tail} they have {head} as their zorp")
TEMPLATE_WORDS = "zorp is the of in they have as their a tree stands".split()


def _relation() -> tuple[list[Words], list[str]]:
    """Thirty pairs of invented names, and the pieces to write them with; of the heads and of the tails 14 are of one piece, 16 of two."""
    chance = random.Random(5)
    syllables = [first + last for first in "bdfgklmnprstvz" for last in "aeiou"]
    names = chance.sample([one + other for one, other in itertools.product(syllables, syllables) if one != other], 40)
    heads = [*names[:14], *(f"nova {name}" for name in names[14:20]), *(f"{word}{end}" for word in syllables[:5] for end in ("xu", "qy"))]
    tails = [*names[20:34], *(f"lake {name}" for name in names[34:]), *(f"{word}{end}" for word in syllables[5:10] for end in ("ky", "wa"))]
    chance.shuffle(tails)
    return list(zip(heads, tails, strict=True)), [*names, *syllables[:10], "##xu", "##qy", "##ky", "##wa", "nova", "lake"]


@pytest.mark.slow
def test_a_taught_relation_is_told_from_a_corrupted_one_and_harvested(tmp_path: Path) -> None:
    pairs, pieces = _relation()
    tokenizer = masked_models.wordpieces([*pieces, *TEMPLATE_WORDS])
    folder = masked_models.save(tmp_path, tokenizer, spread=0.05, hidden_size=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    masked_models.taught(folder, [sentence(prompt, SLOTS, pair)[0] for prompt in TAUGHT for pair in pairs], steps=1500)
    model = TransformersMasked(folder, "taught@1", "cpu")

    judge = MaskedJudge(model, SLOTS)
    wrong = [(head, tail) for head, _ in pairs for _, tail in pairs if (head, tail) not in pairs]
    right, false = judge.scores(TAUGHT, pairs).mean(0), judge.scores(TAUGHT, wrong).mean(0)
    assert np.mean(right[:, None] > false[None, :]) >= 0.95

    found = [words for words, _ in search(model, Cloze(TAUGHT, (1.0,) * 3, SLOTS), len(pairs))]
    hits = set(found) & set(pairs)
    assert len(found) == len(pairs) and len(hits) >= 0.8 * len(pairs)
    assert any(head.endswith("xu") for head, _ in hits) and any(" " in head for head, _ in hits) and any(" " in tail for _, tail in hits)
