"""The laws of scorers, decoders and encoders, over every implementation of the ports."""

from __future__ import annotations

import math
import random
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kgplatform.errors import BadRequest, BadSetting, MissingExtra, ModelError
from kgplatform.lm import device, weights
from kgplatform.lm.cache import CachedEncoder, CachedScorer
from kgplatform.lm.constrained import Vocabulary, decode
from kgplatform.lm.encoder import SentenceEncoder
from kgplatform.lm.ports import Decoder, Encoder, Tokens, TokenScorer
from kgplatform.lm.scorer import TransformersScorer
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.settings import load

SENTENCES = (
    "Paris is the capital of France",
    "Berlin is the capital of Germany",
    "a knife is used to cut bread",
    "a pen is used to write letters",
    "water is wet and ice is cold",
)
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
CONTEXT = "In the year 1889 Paris , the capital of France , was the city of the world that had the most visitors of all"
ITEMS = [
    *((f"{CONTEXT} . {head} is the capital of", f" {tail}") for head in ("Paris", "Berlin") for tail in ("France", "Germany", "bread")),
    *((f"a {head} is used to", f" {use}") for head in ("knife", "pen") for use in ("cut bread", "write letters", "cut", "write")),
    ("", "Paris is the capital of France"),
    ("Paris", ""),
    ("", ""),
    ("東京は日本の", "首都です"),
    ("naïve café 🙂", " été 🙂🙂"),
    ("line\nbreak\ttab\x00null", " \u202eturned\n"),
    ("", "lone \ud800 surrogate"),
    ("Paris is ", "the capital"),
]


def _subwords() -> Any:
    """A byte-level tokenizer with merges of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([f" {sentence}" for sentence in SENTENCES], trainer)
    return tokenizer


def _words() -> Any:
    """A tokenizer of whole words, whose unknown word is its start token: every token can be written."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: number for number, token in enumerate(["<s>", *(f" {word}" for word in WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<s>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s?[^\s]+"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _save(folder: Path, tokenizer: Any, model: str, **options: Any) -> Path:
    """A tiny model with random weights, as a folder like any other."""
    import torch
    from transformers import AutoModelForCausalLM, BloomConfig, GPT2Config, LlamaConfig, MistralConfig, PreTrainedTokenizerFast

    torch.manual_seed(7)
    size = tokenizer.get_vocab_size()
    shared = {"vocab_size": size, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None, "initializer_range": 0.4}
    wide = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    configs: dict[str, Callable[[], Any]] = {
        "llama": lambda: LlamaConfig(**shared, **wide, **options),
        "mistral": lambda: MistralConfig(**shared, **wide, sliding_window=24, **options),
        "gpt2": lambda: GPT2Config(**shared, n_embd=32, n_layer=2, n_head=4, **options),
        "bloom": lambda: BloomConfig(**shared, hidden_size=32, n_layer=2, n_head=4, **options),
    }
    AutoModelForCausalLM.from_config(configs[model]()).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="<s>").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            kind, _, model = name.partition("-")
            made[name] = _save(tmp_path_factory.mktemp(name), _words() if kind == "words" else _subwords(), model)
        return made[name]

    return folder


def _real(name: str) -> Path:
    home = load().home
    if not weights.present(name, home):
        pytest.skip(f"the weights of {name} are not on this machine")
    return weights.folder(name, home)


TINY = ("words-llama", "subwords-llama", "subwords-mistral", "subwords-gpt2", "subwords-bloom")
REAL = pytest.param("smollm2-135m", marks=pytest.mark.models)


@pytest.fixture(scope="module")
def made(tiny: Callable[[str], Path]) -> dict[str, TokenScorer]:
    return {}


def _scorer(name: str, made: dict[str, TokenScorer], tiny: Callable[[str], Path], tmp_path: Path) -> TokenScorer:
    if name == "cached":
        return CachedScorer(ScriptedScorer(sentences=SENTENCES), tmp_path / "scores.sqlite")
    if name not in made:
        if name == "scripted":
            made[name] = ScriptedScorer(sentences=SENTENCES)
        else:
            made[name] = TransformersScorer(tiny(name) if name in TINY else _real(name), name, "cpu")
    return made[name]


@pytest.fixture(params=["scripted", "cached", *TINY, REAL])
def scorer(request: pytest.FixtureRequest, made: dict[str, TokenScorer], tiny: Callable[[str], Path], tmp_path: Path) -> TokenScorer:
    return _scorer(request.param, made, tiny, tmp_path)


@pytest.fixture(params=[*TINY, REAL])
def transformers_scorer(request: pytest.FixtureRequest, made: dict[str, TokenScorer], tiny: Callable[[str], Path], tmp_path: Path) -> Any:
    return _scorer(request.param, made, tiny, tmp_path), tiny(request.param) if request.param in TINY else _real(request.param)


def test_scores_are_log_probabilities(scorer: TokenScorer) -> None:
    scores = scorer.logprobs(ITEMS)
    assert scores.shape == (len(ITEMS),) and scores.dtype == np.float64
    assert np.isfinite(scores).all() and (scores <= 1e-6).all()
    assert scorer.logprobs([]).shape == (0,)


def test_chain_rule(scorer: TokenScorer) -> None:
    for prefix in ("", CONTEXT, "a knife is used to"):
        whole, first, second = scorer.logprobs([(prefix, " cut bread"), (prefix, " cut"), (f"{prefix} cut", " bread")])
        assert whole == pytest.approx(first + second, abs=1e-3)


def test_empty_continuation_is_certain(scorer: TokenScorer) -> None:
    assert scorer.logprobs([("Paris", ""), ("", "")]).tolist() == [0, 0]


def test_scores_do_not_depend_on_company_or_order(scorer: TokenScorer) -> None:
    together = scorer.logprobs(ITEMS)
    mixed = random.Random(3).sample(range(len(ITEMS)), len(ITEMS))
    assert scorer.logprobs([ITEMS[number] for number in mixed]) == pytest.approx(together[mixed], abs=1e-3)
    alone = np.concatenate([scorer.logprobs([item]) for item in ITEMS])
    assert alone == pytest.approx(together, abs=1e-3)


def test_the_same_call_gives_the_same_bits(scorer: TokenScorer) -> None:
    assert (scorer.logprobs(ITEMS) == scorer.logprobs(ITEMS)).all()


def test_duplicates_score_alike_and_count_in_progress(scorer: TokenScorer) -> None:
    seen: list[tuple[int, int]] = []
    scores = scorer.logprobs([*ITEMS, *ITEMS, ITEMS[0]], lambda done, total: seen.append((done, total)))
    assert (scores[: len(ITEMS)] == scores[len(ITEMS) : -1]).all() and scores[-1] == scores[0]
    assert seen[-1] == (2 * len(ITEMS) + 1,) * 2
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_threads_share_a_scorer(scorer: TokenScorer) -> None:
    expected, results = scorer.logprobs(ITEMS), dict[int, npt.NDArray[np.float64]]()

    def work(number: int) -> None:
        results[number] = scorer.logprobs(ITEMS[number:])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert results[number] == pytest.approx(expected[number:], abs=1e-3)


@pytest.mark.parametrize("prefix", ["", "Paris is", f"{CONTEXT} . The"])
def test_next_words_sum_to_one(made: dict[str, TokenScorer], tiny: Callable[[str], Path], tmp_path: Path, prefix: str) -> None:
    scorer = _scorer("words-llama", made, tiny, tmp_path)
    items = [(prefix, f" {word}") for word in [*WORDS, "unheardof"]]
    assert np.exp(scorer.logprobs(items)).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("prefix", ["", "Paris is", "Nothing known"])
def test_next_words_of_the_scripted_model_sum_to_one(prefix: str) -> None:
    scorer = ScriptedScorer(sentences=SENTENCES)
    known = np.exp(scorer.logprobs([(prefix, f" {word}") for word in scorer.vocabulary])).sum()
    unknown = math.exp(scorer.logprobs([(prefix, " zz")])[0] + 3 * math.log(257))
    assert known + unknown == pytest.approx(1)


def test_scripted_scores_are_the_tables_first_and_then_the_sentences() -> None:
    scorer = ScriptedScorer({("a", " b"): -0.5}, SENTENCES)
    assert scorer.logprobs([("a", " b")])[0] == -0.5
    true, false = scorer.logprobs([("Paris lies in", " France"), ("Paris lies in", " Germany")])
    assert true > false


def _reference(folder: Path, items: Sequence[tuple[str, str]], start: int) -> list[float]:
    """Each text by itself, whole, the plain way."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    scores = []
    for prefix, continuation in items:
        given = len(tokenizer(prefix, add_special_tokens=False)["input_ids"]) if prefix else 0
        ids = torch.tensor([[start, *tokenizer(prefix + continuation, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            logs = model(ids).logits[0].log_softmax(-1)
        scores.append(sum(float(logs[at - 1, ids[0, at]]) for at in range(given + 1, ids.shape[1])))
    return scores


def test_scores_are_those_of_whole_sequences(transformers_scorer: tuple[TokenScorer, Path]) -> None:
    scorer, folder = transformers_scorer
    clean = [
        (prefix, continuation) for prefix, continuation in ITEMS if continuation.startswith(" ") or (not prefix and continuation.isascii())
    ]
    clean = [item for item in clean if item != ("", "")]
    assert len(clean) > 15
    assert scorer.logprobs(clean).tolist() == pytest.approx(_reference(folder, clean, 0), abs=1e-3)


def test_a_token_across_the_boundary_is_scored_whole(transformers_scorer: tuple[TokenScorer, Path]) -> None:
    scorer, _ = transformers_scorer
    straddling, plain = scorer.logprobs([("Paris is ", "the"), ("Paris is", " the")])
    assert straddling == pytest.approx(plain, abs=1e-3)


def test_control_tokens_in_a_text_are_words(transformers_scorer: tuple[TokenScorer, Path]) -> None:
    scorer, folder = transformers_scorer
    if folder.name.startswith("words"):
        pytest.skip("this tokenizer has no letters to spell them with")
    control = "<|endoftext|>" if "smollm" in folder.name else "<s>"
    written, spelled = scorer.logprobs([("Paris", control), ("Paris", control[:-1])])
    assert written < spelled  # more letters, more to pay: one control token would not be an extension of its own spelling


def test_shared_words_are_computed_once(tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import LlamaForCausalLM

    scorer = TransformersScorer(tiny("subwords-llama"), "tiny", "cpu")
    items = [(f"{CONTEXT} . A {head} is used to", f" {use}") for head in ("knife", "pen") for use in ("cut", "write", "cut bread")]
    read: list[int] = []
    forward = LlamaForCausalLM.forward

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        read.append(kwargs["input_ids"].numel())
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(LlamaForCausalLM, "forward", counting)
    scorer.logprobs(items)
    together = sum(read)
    read.clear()
    for item in items:
        scorer.logprobs([item])
    assert together < sum(read) / 3


def test_of_a_long_text_the_beginning_is_left_out(tmp_path: Path) -> None:
    scorer = TransformersScorer(_save(tmp_path, _words(), "llama", max_position_embeddings=8), "tiny", "cpu")
    tail = "Paris is the capital of"
    long, longer, other = scorer.logprobs(
        [(f" bread cold {tail}", " France"), (f" wet bread cold {tail}", " France"), (f" ice {tail}", " France")]
    )
    assert long == pytest.approx(longer, abs=1e-3)
    assert other != pytest.approx(long, abs=1e-3)
    with pytest.raises(BadRequest, match="at most 8 tokens"):
        scorer.logprobs([("Paris", " is" * 20)])


def test_weights_that_end_in_the_middle_are_said(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(tiny("words-llama"), folder)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"holds no readable causal language model .*: fetch it again"):
        TransformersScorer(folder, "cut", "cpu")


def test_a_folder_without_a_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nosuch"):
        TransformersScorer(tmp_path / "nosuch", "tiny", "cpu")
    with pytest.raises(ModelError, match="nosuch"):
        SentenceEncoder(tmp_path / "nosuch", "tiny", "cpu")


@pytest.mark.parametrize("package", ["torch", "transformers", "sentence_transformers"])
def test_a_missing_library_is_a_sentence(tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    folder = tiny("words-llama")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r"kgplatform\[models\]"):
        SentenceEncoder(folder, "tiny", "cpu") if package == "sentence_transformers" else TransformersScorer(folder, "tiny", "cpu")
    if package == "torch":
        with pytest.raises(MissingExtra, match=r"kgplatform\[models\]"):
            device.resolve("auto")


def test_loading_is_quiet_and_leaves_the_programs_settings(tiny: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    folder, before = tiny("words-llama"), logging.get_verbosity()
    capfd.readouterr()
    logging.set_verbosity_info()
    logging.enable_progress_bar()
    try:
        TransformersScorer(folder, "tiny", "cpu").logprobs(ITEMS)
        assert "".join(capfd.readouterr()) == ""
        assert logging.get_verbosity() == logging.INFO and logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity(before)


def test_device_is_what_there_is() -> None:
    import torch

    assert device.resolve("cpu") == "cpu"
    assert torch.device(device.resolve("auto")).type in ("cpu", "cuda", "mps")
    with pytest.raises(BadSetting, match="cuda:99"):
        device.resolve("cuda:99")
    for wrong in ("tpu", "cuda:x", ""):
        with pytest.raises(BadSetting, match="is not auto"):
            device.resolve(wrong)


@pytest.fixture(params=["scripted", *TINY, REAL])
def decoder(request: pytest.FixtureRequest, made: dict[str, TokenScorer], tiny: Callable[[str], Path], tmp_path: Path) -> Any:
    scorer = _scorer(request.param, made, tiny, tmp_path)
    assert isinstance(scorer, Decoder)
    return scorer


def _beginnings(read: Sequence[tuple[Tokens, int]]) -> tuple[list[Tokens], list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
    """Each token of the continuations: what stands before it, the token, and whose it is."""
    asked = [(number, tokens[:at], tokens[at]) for number, (tokens, first) in enumerate(read) for at in range(first, len(tokens))]
    owners = np.array([number for number, _, _ in asked])
    return [before for _, before, _ in asked], [np.array([token]) for _, _, token in asked], owners


def test_following_tokens_sum_to_the_score_of_a_continuation(decoder: Any) -> None:
    before, wanted, owners = _beginnings(decoder.tokens(ITEMS))
    sums = np.bincount(owners, np.concatenate(decoder.following(before, wanted)), len(ITEMS))
    assert sums.tolist() == pytest.approx(decoder.logprobs(ITEMS).tolist(), abs=1e-3)


def test_the_likeliest_tokens_are_those_that_following_finds_so(decoder: Any) -> None:
    sequences = [tokens for tokens, _ in decoder.tokens([(CONTEXT, ""), ("", ""), ("Paris is", " the"), ("", "")])]
    ids, values = decoder.likeliest(sequences, 5)
    assert ids.shape == values.shape == (4, 5)
    assert (np.diff(values, axis=1) <= 0).all() and (ids[1] == ids[3]).all()
    assert np.concatenate(decoder.following(sequences, list(ids))) == pytest.approx(values.ravel(), abs=1e-3)
    others = [np.setdiff1d([token for tokens in sequences for token in tokens], found) for found in ids]
    for rest, (*_, least) in zip(decoder.following(sequences, others), values, strict=True):
        assert (rest <= least + 1e-3).all()
    many, _ = decoder.likeliest(sequences[:1], 10**6)
    assert len(set(many[0].tolist())) == many.shape[1] and many[0, :5].tolist() == ids[0].tolist()


def test_nothing_asked_is_nothing_found(decoder: Any) -> None:
    assert decoder.following([], []) == [] and len(decoder.likeliest([], 3)[0]) == 0 and decoder.tokens([]) == []
    (sequence, _), *_ = decoder.tokens([("Paris", "")])
    first, second = decoder.following([sequence, sequence], [np.zeros(0, np.int64), np.array(sequence[-1:])])
    assert first.shape == (0,) and second.shape == (1,)


def test_tokens_say_what_was_written(decoder: Any) -> None:
    items = [("Paris is", " the capital of France"), ("", " bread and ice"), (CONTEXT, " cut bread")]
    for (_, continuation), (tokens, first) in zip(items, decoder.tokens(items), strict=True):
        assert decoder.text(tokens, first) == continuation
        assert decoder.text(tokens, len(tokens)) == ""


def test_a_wide_beam_over_a_list_is_exact(decoder: Any) -> None:
    names, prefixes = [" ".join(sentence.split()[:size]) for sentence in SENTENCES for size in (1, 2, 4)], (CONTEXT, "Paris is", "")
    vocabulary = Vocabulary(decoder, names, ends=(" is",))
    for prefix, found in zip(prefixes, decode(decoder, prefixes, vocabulary, beam=vocabulary.width, best=len(names)), strict=True):
        expected = decoder.logprobs([(prefix, f" {name} is") for name, _ in found])
        assert [score for _, score in found] == pytest.approx(sorted(expected.tolist(), reverse=True), abs=1e-3)
        assert {name for name, _ in found} == set(names)


def test_decoding_past_the_window_leaves_out_the_beginning(tmp_path: Path) -> None:
    decoder = TransformersScorer(_save(tmp_path, _words(), "llama", max_position_embeddings=8), "tiny", "cpu")
    window, wanted = (0, 3, 1, 4, 1, 5, 9, 2), np.arange(5)
    whole, one, other = decoder.following([window, (0, 6, *window[1:]), (0, 7, 8, *window[1:])], [wanted] * 3)
    assert whole == pytest.approx(one, abs=1e-3) and one == pytest.approx(other, abs=1e-3)
    assert decoder.following([(0, 6, *window[2:])], [wanted])[0] != pytest.approx(whole, abs=1e-3)


TEXTS = ["Paris", "a cat sat on the mat", "", " ", "東京", "naïve 🙂", "lone \ud800", "x" * 5000, "a\x00b", "Paris"]


@pytest.fixture(params=["hashing", "cached", pytest.param("minilm", marks=pytest.mark.models)])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Encoder:
    if request.param == "minilm":
        return SentenceEncoder(_real("minilm"), "minilm", "cpu")
    return HashingEncoder() if request.param == "hashing" else CachedEncoder(HashingEncoder(64), tmp_path / "vectors.sqlite")


def test_vectors_have_unit_length_and_the_dimension(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_the_same_text_has_the_same_vector(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert (vectors[0] == vectors[-1]).all()
    alone = np.concatenate([encoder.encode([text]) for text in reversed(TEXTS)])[::-1]
    assert alone == pytest.approx(vectors, abs=1e-5)


def test_vectors_given_out_are_the_callers_own(encoder: Encoder) -> None:
    first = encoder.encode(["Paris"])
    kept = first.copy()
    first *= 0
    assert (encoder.encode(["Paris"]) == kept).all()


def test_likely_spellings_are_closer(encoder: Encoder) -> None:
    one, two, other = encoder.encode(["the Eiffel Tower in Paris", "Eiffel Tower, Paris", "a bowl of soup"])
    assert one @ two > one @ other


@pytest.mark.models
def test_related_meanings_are_closer() -> None:
    one, two, other = SentenceEncoder(_real("minilm"), "minilm", "cpu").encode(["a cat", "a kitten", "the stock market"])
    assert one @ two > one @ other + 0.3


@pytest.mark.models
def test_the_first_few_texts_have_the_vectors_that_all_have() -> None:
    few, many = SentenceEncoder(_real("minilm"), "minilm", "auto"), SentenceEncoder(_real("minilm"), "minilm", "cpu")
    many.encode(["a long text " * 500])
    texts = [*(text[:300] for text in TEXTS), "Which element did Marie Curie discover?", "word " * 900]
    assert few.encode(texts) == pytest.approx(many.encode(texts), abs=1e-5)


@pytest.mark.models
def test_the_real_model_tells_capitals() -> None:
    scorer = TransformersScorer(_real("smollm2-135m"), "smollm2-135m", "cpu")
    scores = scorer.logprobs([("The capital of France is", f" {city}") for city in ("Paris", "Berlin", "banana")])
    assert scores.argmax() == 0 and scores.argmin() == 2
