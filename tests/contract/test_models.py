"""The laws of scorers and encoders, over every implementation of the two ports."""

from __future__ import annotations

import math
import random
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
from kgplatform.lm.encoder import SentenceEncoder
from kgplatform.lm.ports import Encoder, TokenScorer
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
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    vocabulary = {token: number for number, token in enumerate(["<s>", *(f" {word}" for word in WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<s>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s?[^\s]+"), "isolated")
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
def test_the_real_model_tells_capitals() -> None:
    scorer = TransformersScorer(_real("smollm2-135m"), "smollm2-135m", "cpu")
    scores = scorer.logprobs([("The capital of France is", f" {city}") for city in ("Paris", "Berlin", "banana")])
    assert scores.argmax() == 0 and scores.argmin() == 2
