"""Masked models: exact against one plain reading a token, and honest about what they cannot read."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvest.bertnet.masked import MaskedJudge, compatibility, title
from harvest.bertnet.search import search
from kgplatform import opening
from kgplatform.errors import BadRequest, BadSetting, ModelError
from kgplatform.lm.cloze import MASK, Cloze, sentence
from kgplatform.lm.masked import TransformersMasked
from kgplatform.lm.scripted_masked import ScriptedMasked
from kgplatform.settings import Settings, load
from tests import masked_models

SLOTS = ("head", "tail")
PIECES = "paris cairo the of is capital new york un ##hap ##py ##s ##ville , . - france egypt letters a ##b thes".split()
PROMPTS = ("{head} is the capital of {tail}", "the capital of {tail} is {head} .")
CLOZE = Cloze(PROMPTS, (3.0, 1.0), SLOTS)
KINDS = ("bert", "roberta", "albert")


def _tokenizer(kind: str) -> Any:
    words = [piece for piece in PIECES if not piece.startswith("##")]
    if kind == "albert":
        return masked_models.sentencepieces([*(f"▁{word}" for word in words), *"abcdefghilnoprstuvy", ",", "."])
    return masked_models.wordpieces(PIECES) if kind == "bert" else masked_models.bytewise([" ".join(words)] * 5, 330)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[TransformersMasked, Path]]:
    """A model of each kind with random weights, and its folder."""
    made: dict[str, tuple[TransformersMasked, Path]] = {}

    def model(kind: str) -> tuple[TransformersMasked, Path]:
        if kind not in made:
            folder = masked_models.save(tmp_path_factory.mktemp(kind), _tokenizer(kind), kind)
            made[kind] = TransformersMasked(folder, f"{kind}@1", "cpu"), folder
        return made[kind]

    return model


# -- exactness ---------------------------------------------------------------------------------------


class Plain:
    """The slow and obvious way: for each token of each entity a pass of its own, without padding, over the whole vocabulary."""

    def __init__(self, folder: Path, space: str) -> None:
        from transformers import AutoModelForMaskedLM, AutoTokenizer

        self.tokenizer, self.model = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder).eval()
        self.space = space

    def logs(self, text: str, spans: Sequence[tuple[int, int]]) -> list[list[float]]:
        read = self.tokenizer(self.space + text, return_offsets_mapping=True)
        ids, found = read["input_ids"], []
        for start, stop in spans:
            letters = {at + len(self.space) for at in range(start, stop) if not text[at].isspace()}
            offsets = list(enumerate(read["offset_mapping"]))
            some = [place for place, pair in offsets if ids[place] not in (2, 3) and letters & set(range(*pair))]
            mine = list(range(some[0], some[-1] + 1)) if some else []
            found.append(
                [self.log(ids, place, mine[-1]) for place in mine] if mine and 1 not in [ids[place] for place in mine] else [-np.inf]
            )
        return found

    def log(self, ids: list[int], at: int, last: int) -> float:
        import torch

        masked = [self.tokenizer.mask_token_id if at <= place <= last else token for place, token in enumerate(ids)]
        with torch.no_grad():
            return float(self.model(torch.tensor([masked])).logits[0, at].double().log_softmax(-1)[ids[at]])


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, tuple[tuple[int, int], ...]]:
    words = draw(
        st.lists(st.sampled_from(["Paris", "unhappy", "new", "york", "the", "capital", ",", "zürich", "letters", "aab", "."]), max_size=7)
    )
    text = "".join(word + draw(st.sampled_from([" ", " ", "", "  "])) for word in words)
    ends = st.integers(0, len(text))
    return text, tuple(draw(st.lists(st.tuples(ends, ends).map(lambda pair: (min(pair), max(pair))), max_size=3)))


@pytest.fixture(scope="module")
def plain(tiny: Any) -> Callable[[str], Plain]:
    return functools.cache(lambda kind: Plain(tiny(kind)[1], " " if kind == "roberta" else ""))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(texts(), max_size=6))
def test_batches_give_what_one_pass_a_token_gives(
    tiny: Any, plain: Any, kind: str, items: list[tuple[str, tuple[tuple[int, int], ...]]]
) -> None:
    model, _ = tiny(kind)
    for logs, (text, spans) in zip(model.entity_logprobs(items), items, strict=True):
        expected = plain(kind).logs(text, spans)
        assert [len(part) for part in logs] == [len(part) for part in expected]
        for part, wanted in zip(logs, expected, strict=True):
            assert part == pytest.approx(np.array(wanted), abs=1e-5)


def test_a_prompt_is_not_read_alone(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tuples, tokens and prompts together; a sentence that differs in what is masked only is read once."""
    from transformers import BertForMaskedLM

    model, _ = tiny("bert")
    rows: list[int] = []
    forward = BertForMaskedLM.forward

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        rows.append(len(kwargs["input_ids"]))
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(BertForMaskedLM, "forward", counting)
    pairs = [(head, tail) for head in ("paris", "cairo", "york") for tail in ("france", "egypt")]
    model.entity_logprobs([sentence(prompt, SLOTS, pair) for prompt in PROMPTS for pair in pairs])
    assert rows == [2 * (3 + 2)]


def test_the_layer_over_the_vocabulary_is_given_the_asked_places_only(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.bert.modeling_bert import BertOnlyMLMHead

    model, _ = tiny("bert")
    shapes: list[tuple[int, ...]] = []
    forward = BertOnlyMLMHead.forward

    def seen(self: Any, hidden: Any) -> Any:
        shapes.append(tuple(hidden.shape))
        return forward(self, hidden)

    monkeypatch.setattr(BertOnlyMLMHead, "forward", seen)
    model.entity_logprobs([("paris is the capital of france", ((0, 5), (24, 30)))])
    assert shapes == [(2, 1, 32)]


def test_a_name_has_the_same_tokens_wherever_it_stands(tiny: Any) -> None:
    for kind in KINDS:
        model, _ = tiny(kind)
        spelled = [model.spell([(token,)])[0] for token in np.flatnonzero(model.pieces.opens)]
        assert {"paris", "york", "france"} <= set(spelled)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prompt", ["{head}, {tail}.", "{tail} {head}", "of {head}, a {tail}"])
def test_prompts_are_read_as_their_sentences_are(tiny: Any, kind: str, prompt: str) -> None:
    model, _ = tiny(kind)
    pieces = model.pieces
    head, tail = (next(int(at) for at in np.flatnonzero(pieces.opens) if pieces.texts[at] == word) for word in ("york", "egypt"))
    logs = model.fill(Cloze((prompt,), (1.0,), SLOTS), [((MASK,), (tail,))])
    (expected,) = model.entity_logprobs([sentence(prompt, SLOTS, ("york", "egypt"))])
    assert logs[0, head] == pytest.approx(expected[0][0], abs=1e-5)


def test_a_prompt_that_goes_on_with_the_word_is_read(tiny: Any) -> None:
    model, _ = tiny("bert")
    logs = model.fill(Cloze(("{head}s of {tail}",), (1.0,), SLOTS), [((MASK,), (MASK,))])
    assert np.exp(logs.astype(np.float64)).sum() == pytest.approx(1, abs=1e-4)


def test_a_vocabulary_with_room_for_more_is_no_hindrance(tmp_path: Path) -> None:
    """Many models have more rows than their tokenizer has tokens; none of those is a word."""
    model = TransformersMasked(masked_models.save(tmp_path, _tokenizer("bert"), vocab_size=64), "roomy@1", "cpu")
    assert len(model.pieces.texts) == model.fill(CLOZE, [((MASK,), (MASK,))]).shape[1] == 64
    assert not (model.pieces.opens | model.pieces.continues)[len(PIECES) + 5 :].any()
    assert len(search(model, CLOZE, 5)) == 5


# -- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_longer_than_the_window_is_refused_and_one_as_long_is_read(tiny: Any, kind: str) -> None:
    model, _ = tiny(kind)
    longest = 64 - 2 - (1 if kind == "roberta" else 0)
    (logs,) = model.entity_logprobs([("paris" + " paris" * (longest - 1), ((0, 5),))])
    assert np.isfinite(logs[0]).all()
    with pytest.raises(BadRequest, match=rf"at most {longest + 2} tokens at once, and this text has {longest + 3}: 'paris paris"):
        model.entity_logprobs([("paris", ((0, 5),)), ("paris" + " paris" * longest, ((0, 5),))])
    with pytest.raises(BadRequest, match=f"at most {longest + 2} tokens at once"):
        model.fill(CLOZE, [((MASK,) * 70, (MASK,))])


def test_a_prompt_with_the_models_own_mask_is_refused(tiny: Any) -> None:
    model, _ = tiny("bert")
    with pytest.raises(BadRequest, match=r"holds '\[MASK\]'"):
        model.fill(Cloze(("{head}s [MASK] {tail}",), (1.0,), SLOTS), [((MASK,), (MASK,))])


def test_a_folder_without_a_masked_model_is_a_sentence(tiny: Any, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, BertConfig, BertModel

    with pytest.raises(ModelError, match="nosuch"):
        TransformersMasked(tmp_path / "nosuch", "tiny", "cpu")
    _, folder = tiny("bert")
    BertModel(BertConfig.from_pretrained(folder)).save_pretrained(tmp_path / "headless")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "headless")
    with pytest.raises(ModelError, match="lacks weights of a masked language model"):
        TransformersMasked(tmp_path / "headless", "tiny", "cpu")
    broken = masked_models.save(tmp_path / "broken", _tokenizer("bert"))
    (broken / "model.safetensors").write_bytes((broken / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(ModelError, match="holds no readable masked language model"):
        TransformersMasked(broken, "tiny", "cpu")


def test_a_model_that_gives_no_numbers_is_said(tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    folder = masked_models.save(tmp_path, _tokenizer("bert"))
    damaged = AutoModelForMaskedLM.from_pretrained(folder)
    damaged.bert.embeddings.word_embeddings.weight.data[:] = float("nan")
    damaged.save_pretrained(folder)
    with pytest.raises(ModelError, match="not a number"):
        TransformersMasked(folder, "tiny", "cpu").entity_logprobs([("paris", ((0, 5),))])


# -- opening -----------------------------------------------------------------------------------------


def _settings(folder: Path) -> Settings:
    return load({"KG_SCORER_MODEL": f"local:{folder}", "KG_DEVICE": "cpu"})


def test_a_folder_opens_as_what_it_is(tiny: Any, tmp_path: Path) -> None:
    _, folder = tiny("bert")
    chosen = _settings(folder)
    assert opening.reads(chosen) == "masked"
    model = opening.masked(chosen)
    assert model.name.startswith(f"local:{folder.name}@")
    with pytest.raises(BadSetting, match="is a masked language model"):
        opening.bare_scorer(chosen)
    assert opening.reads(load({})) == "causal"
    with pytest.raises(BadSetting, match="is a causal language model"):
        opening.masked(load({}))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    for architectures, what in ((["BertModel"], "names BertModel, which is neither"), (None, "names no architecture")):
        (tmp_path / "config.json").write_text(json.dumps(config | {"architectures": architectures}), "utf-8")
        with pytest.raises(BadSetting, match=what):
            opening.reads(_settings(tmp_path))
    (tmp_path / "config.json").write_text("{", "utf-8")
    with pytest.raises(BadSetting, match="is not JSON"):
        opening.masked(_settings(tmp_path))
    with pytest.raises(BadSetting, match="nosuch holds no language model"):
        opening.masked(_settings(tmp_path / "nosuch"))


def test_other_weights_have_another_name(tmp_path: Path) -> None:
    one = masked_models.save(tmp_path / "a" / "mine", _tokenizer("bert"), seed=1)
    other = masked_models.save(tmp_path / "b" / "mine", _tokenizer("bert"), seed=2)
    assert opening.masked(_settings(one)).name != opening.masked(_settings(other)).name


def test_a_causal_folder_opens_as_a_scorer(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer = _tokenizer("roberta")
    GPT2LMHeadModel(GPT2Config(vocab_size=tokenizer.get_vocab_size(), n_embd=32, n_layer=1, n_head=2)).save_pretrained(tmp_path)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="[CLS]", eos_token="[SEP]").save_pretrained(tmp_path)
    assert opening.reads(_settings(tmp_path)) == "causal"
    assert opening.bare_scorer(_settings(tmp_path)).logprobs([("paris", " is")])[0] < 0


# -- compatibility -----------------------------------------------------------------------------------


def test_f_is_a_third_of_each_mean() -> None:
    logs = [(np.array([-1.0, -3.0]), np.array([-2.0])), (np.array([-0.5]),), (np.array([-1.0]), np.array([-np.inf]))]
    assert compatibility(logs).tolist() == pytest.approx([(-2 - 3 - 3) / 3, -0.5, -np.inf])
    assert compatibility([]).shape == (0,)


def test_a_long_name_does_not_hide_a_weak_token() -> None:
    strong, weak = (np.array([-1.0] * 4),), (np.array([-0.2, -0.2, -0.2, -3.4]),)
    assert compatibility([strong])[0] > compatibility([weak])[0]


TOLD = (
    "Paris is the capital of France",
    "Cairo is the capital of Egypt",
    "the capital of France is Paris .",
    "Lima is the capital of Peru",
)


def test_the_judge_prefers_what_it_was_told() -> None:
    judge = MaskedJudge(ScriptedMasked(TOLD), SLOTS)
    scores = judge.scores(PROMPTS, [("paris", "france"), ("paris", "egypt"), ("paris", "atlantis")])
    assert scores.shape == (2, 3) and (scores[:, 0] > scores[:, 1]).all() and (scores[:, 2] == -np.inf).all()
    assert judge.scores(PROMPTS, []).shape == (2, 0)


def test_either_way_of_writing_counts(tmp_path: Path) -> None:
    class Cased:
        """Knows names with a capital only."""

        name = "cased@1"

        def entity_logprobs(self, items: Any, progress: Any = None) -> Any:
            return [tuple(np.array([-1.0 if text[start].isupper() else -9.0]) for start, _ in spans) for text, spans in items]

    judge = MaskedJudge(Cased(), SLOTS)  # type: ignore[arg-type]
    assert judge.scores(PROMPTS[:1], [("paris", "france"), ("Paris", "France"), ("42", "42")]) == pytest.approx(np.array([[-1, -1, -9]]))


def test_titles() -> None:
    assert title("the bank of england") == "The Bank of England"
    assert title("McDonald and o'neil") == "McDonald and O'neil" and title("3d jean-luc") == "3d Jean-Luc" and title("") == ""
