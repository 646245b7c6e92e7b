"""The laws of masked models, over every implementation of the port."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import numpy as np
import pytest

from kgplatform.errors import BadRequest
from kgplatform.lm.cloze import MASK, Cloze, Floats, Span
from kgplatform.lm.masked import TransformersMasked
from kgplatform.lm.ports import MaskedModel
from kgplatform.lm.scripted_masked import ScriptedMasked
from tests import masked_models

SENTENCES = (
    "paris is the capital of france",
    "cairo is the capital of egypt",
    "lima is the capital of peru",
    "lima cairo is the capital of peru",
    "a knife is used to cut bread",
    "a pen is used to write letters",
    "the capital of france is paris .",
)
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
PROMPTS = ("{head} is the capital of {tail}", "the capital of {tail} is {head} .", "{tail} , {head}")
MODELS = ("scripted", "wordpiece-bert", "bytewise-roberta", "sentencepiece-albert")


def _made(name: str, folder: Path) -> MaskedModel:
    if name == "scripted":
        return ScriptedMasked(SENTENCES)
    tokenizer = {
        "wordpiece": lambda: masked_models.wordpieces([*WORDS, "un", "##known", ","]),
        "bytewise": lambda: masked_models.bytewise([" ".join(WORDS)] * 9, 520),
        "sentencepiece": lambda: masked_models.sentencepieces([*(f"▁{word}" for word in WORDS), "▁un", "known", "▁,"]),
    }[name.partition("-")[0]]()
    return TransformersMasked(masked_models.save(folder, tokenizer, name.partition("-")[2]), name, "cpu")


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MaskedModel:
    return _made(request.param, tmp_path_factory.mktemp(request.param))


def said(template: str, head: str, tail: str) -> tuple[str, tuple[Span, Span]]:
    """A sentence, and where head and tail stand in it."""
    text = template.replace("{head}", head).replace("{tail}", tail)
    return text, tuple((text.index(word), text.index(word) + len(word)) for word in (head, tail))  # type: ignore[return-value]


ITEMS = [said(prompt, head, tail) for prompt in PROMPTS for head in ("paris", "cairo", "lima cairo") for tail in ("france", "peru")]


def token(model: MaskedModel, word: str) -> int:
    (found,) = [number for number in np.flatnonzero(model.pieces.opens) if model.pieces.texts[number] == word]
    return int(found)


def flat(logs: list[tuple[Floats, ...]]) -> Floats:
    return np.concatenate([part for one in logs for part in one])


def test_values_are_log_probabilities_of_each_token(model: MaskedModel) -> None:
    logs = model.entity_logprobs(ITEMS)
    assert [len(one) for one in logs] == [2] * len(ITEMS)
    assert all(part.dtype == np.float64 and part.ndim == 1 and len(part) >= 1 for one in logs for part in one)
    assert np.isfinite(flat(logs)).all() and (flat(logs) <= 1e-6).all()
    assert len({tuple(one[0].round(6)) for one in logs}) > len(ITEMS) / 3
    assert len(logs[4][0]) == len(logs[0][0]) + len(model.entity_logprobs([said(PROMPTS[0], "lima", "peru")])[0][0])
    assert model.entity_logprobs([]) == [] and model.entity_logprobs([("paris", ())]) == [()]


def test_what_is_masked_does_not_show(model: MaskedModel) -> None:
    """The first token of a name is told without the rest of it, and the rest with it."""
    (one, _), (other, _), (third, _) = model.entity_logprobs(
        [said(PROMPTS[0], f"lima {last}", "peru") for last in ("cairo", "paris", "lima")]
    )
    assert one[0] == pytest.approx(other[0], abs=1e-4) and one[0] == pytest.approx(third[0], abs=1e-4)
    assert one[-1] != pytest.approx(other[-1], abs=1e-4)


def test_the_rest_of_the_sentence_shows(model: MaskedModel) -> None:
    (one, _), (other, _) = model.entity_logprobs([said(PROMPTS[0], "paris", "france"), said(PROMPTS[0], "paris", "egypt")])
    assert one != pytest.approx(other, abs=1e-4)


def test_values_do_not_depend_on_company_or_order(model: MaskedModel) -> None:
    together = model.entity_logprobs(ITEMS)
    mixed = random.Random(3).sample(range(len(ITEMS)), len(ITEMS))
    again = model.entity_logprobs([ITEMS[number] for number in mixed])
    assert flat(again) == pytest.approx(flat([together[number] for number in mixed]), abs=1e-4)
    assert flat([model.entity_logprobs([item])[0] for item in ITEMS]) == pytest.approx(flat(together), abs=1e-4)


def test_progress_counts_texts(model: MaskedModel) -> None:
    seen: list[tuple[int, int]] = []
    model.entity_logprobs([*ITEMS, *ITEMS], lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2 * len(ITEMS),) * 2 and [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_threads_share_a_model(model: MaskedModel) -> None:
    expected, results = flat(model.entity_logprobs(ITEMS)), dict[int, Floats]()

    def work(number: int) -> None:
        results[number] = flat(model.entity_logprobs(ITEMS))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[number] == pytest.approx(expected, abs=1e-4) for number in range(4))


def test_a_span_takes_in_the_tokens_that_it_touches(model: MaskedModel) -> None:
    text = "paris is the capital of france"
    whole, inside, ragged = model.entity_logprobs([(text, ((0, 5), (24, 30))), (text, ((1, 2), (25, 29))), (text, ((0, 6), (23, 30)))])
    if len(whole[0]) == 1 and len(whole[1]) == 1:
        assert flat([inside]) == pytest.approx(flat([whole]), abs=1e-6)
    assert flat([ragged]) == pytest.approx(flat([whole]), abs=1e-6)


@pytest.mark.parametrize("model", ["scripted", "wordpiece-bert", "sentencepiece-albert"], indirect=True)
def test_a_name_without_tokens_is_impossible_and_the_rest_goes_on(model: MaskedModel) -> None:
    odd, empty, plain = model.entity_logprobs([said(PROMPTS[0], "東京🙂", "egypt"), ("paris is", ((2, 2), (6, 8))), ITEMS[0]])
    assert odd[0].tolist() == [-np.inf] and np.isfinite(odd[1]).all()
    assert empty[0].tolist() == [-np.inf] and np.isfinite(empty[1]).all()
    assert flat([plain]) == pytest.approx(flat(model.entity_logprobs([ITEMS[0]])), abs=1e-4)


def test_odd_texts_are_read(model: MaskedModel) -> None:
    odd = ["", " ", "lone \ud800 paris", "a\x00b", "[MASK] [SEP] paris", "naïve 🙂🙂 e\u0301t\u0301", "line\nbreak\u202e"]
    for logs in model.entity_logprobs([(text, ((0, len(text)),)) for text in odd]):
        assert not np.isnan(logs[0]).any()


def test_fill_gives_distributions(model: MaskedModel) -> None:
    blank = ((MASK,), (MASK, MASK))
    known = ((token(model, "cairo"),), (MASK,))
    logs = model.fill(Cloze(PROMPTS[:1], (2.0,), ("head", "tail")), [blank, known])
    assert logs.shape == (2, len(model.pieces.texts)) and logs.dtype == np.float32
    assert np.exp(logs.astype(np.float64)).sum(1) == pytest.approx(1, abs=1e-4)
    assert logs[0] != pytest.approx(logs[1], abs=1e-3)


def test_fill_is_the_weighted_mean_over_prompts(model: MaskedModel) -> None:
    partial = [((MASK,), (MASK,)), ((token(model, "lima"),), (MASK, MASK)), ((token(model, "lima"), MASK), (token(model, "peru"),))]
    single = [model.fill(Cloze((prompt,), (1.0,), ("head", "tail")), partial) for prompt in PROMPTS]
    together = model.fill(Cloze(PROMPTS, (1.0, 5.0, 2.0), ("head", "tail")), partial)
    assert together == pytest.approx((single[0] + 5 * single[1] + 2 * single[2]) / 8, abs=1e-4)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_fill_reads_what_entity_logprobs_reads(model: MaskedModel, prompt: str) -> None:
    head, tail = (token(model, "lima"), token(model, "cairo")), (token(model, "france"),)
    cloze = Cloze((prompt,), (1.0,), ("head", "tail"))
    first, second, last = model.fill(cloze, [((MASK, MASK), tail), ((head[0], MASK), tail), (head, (MASK,))])
    (logs,) = model.entity_logprobs([said(prompt, "lima cairo", "france")])
    assert [first[head[0]], second[head[1]]] == pytest.approx(logs[0].tolist(), abs=1e-4)
    assert last[tail[0]] == pytest.approx(logs[1][0], abs=1e-4)


def test_pieces_open_and_continue_words(model: MaskedModel) -> None:
    pieces = model.pieces
    assert len(pieces.texts) == len(pieces.opens) == len(pieces.continues)
    assert not (pieces.opens & pieces.continues).any()
    opening = {pieces.texts[number] for number in np.flatnonzero(pieces.opens)}
    assert {"paris", "egypt", "letters"} <= opening and not opening & {"", ".", ",", "[MASK]", "[UNK]"}
    for number in np.flatnonzero(pieces.opens):
        assert model.spell([(int(number),)]) == [pieces.texts[number]]


def test_spelled_words_are_their_tokens(model: MaskedModel) -> None:
    lima, cairo = token(model, "lima"), token(model, "cairo")
    assert model.spell([(lima, cairo), (cairo,), (lima,)]) == ["lima cairo", "cairo", "lima"]
    assert model.spell([]) == []
    pieces = model.pieces
    for number in np.flatnonzero(pieces.continues)[:50]:
        (word,) = model.spell([(lima, int(number))])
        assert word is None or word == f"lima{pieces.texts[number]}"


def test_prompts_that_are_none_are_refused(model: MaskedModel) -> None:
    for prompt in ("{head} is", "{head} is {head} {tail}", "{head} {tail} {place}"):
        with pytest.raises(BadRequest, match=r"must hold each of \{head\}, \{tail\} once"):
            Cloze((prompt,), (1.0,), ("head", "tail"))
    for weights in ((), (0.0,), (-1.0,), (1.0, 1.0)):
        with pytest.raises(BadRequest, match="as many weights"):
            Cloze((PROMPTS[0],), weights, ("head", "tail"))


def test_scripted_words_are_those_of_the_likest_sentence() -> None:
    model = ScriptedMasked(SENTENCES)
    logs = model.fill(Cloze(PROMPTS[:1], (1.0,), ("head", "tail")), [((token(model, "cairo"),), (MASK,))])
    assert model.pieces.texts[int(logs[0].argmax())] == "egypt"
