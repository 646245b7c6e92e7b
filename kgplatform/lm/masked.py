"""A masked language model of Hugging Face, read as a judge of given words and asked for words that fit.

Which tokens are masked is said in ``kgplatform.lm.cloze``. A model whose tokens hold the space before a word (``ĠParis``) meets
every text with a space before it, so that a name is made of the same tokens wherever it stands. Control tokens written out
in a text are plain words. The layer that gives a number for each word of the vocabulary is a good part of the work: it is
done for the asked place of a row only, where the model can be read that way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest, ModelError
from kgplatform.lm.cloze import (
    NOWHERE,
    Cloze,
    Floats,
    Partial,
    Pieces,
    Rows,
    Span,
    Tokens,
    around,
    by_length,
    filled,
    questions,
    sentence,
    touched,
)
from kgplatform.lm.pretrained import load
from kgplatform.ports import Progress

_TOKENS = {"cpu": 2048}
_TOKENS_ELSEWHERE = 65536
_NUMBERS = 2**25
"""Tokens read at once, padding included; and numbers over the vocabulary at once (128 MB)."""
_TEXTS = 8192
_SURROGATE = re.compile("[\ud800-\udfff]")
_IN_NAMES = "-'’."
_ANY = "the"
"""A word that every tokenizer knows as one token, or nearly so."""
_PROBE = ([7, 5, 6, 4, 3], [4, 6, 5])


class TransformersMasked:
    """Reads with the model in ``folder`` (safetensors and a fast tokenizer; code and pickles in it are never run), in float32.

    A score moves by far less than 1e-4 nats with the company it is computed in. Threads may share one.
    """

    def __init__(self, folder: Path, name: str, device: str) -> None:
        self._name, self._device = name, device
        self._model, self._tokenizer = _load(folder, name, device)
        self._size = int(self._model.config.get_text_config().vocab_size)
        self._window = _window(self._model, self._tokenizer)
        self._tokenizing, self._running = Lock(), Lock()
        self._space = " " if self._ids("a a") != 2 * self._ids("a") else ""
        self._narrow = self._narrows()

    @property
    def name(self) -> str:
        return self._name

    @cached_property
    def pieces(self) -> Pieces:
        """As the port says: a token's part in a word shows in how the tokenizer writes it behind another word."""
        before = self._ids(self._space + _ANY)
        control = set(self._tokenizer.all_special_ids)
        with self._tokenizing:
            written = self._tokenizer.batch_decode([[*before, token] for token in range(min(self._size, len(self._tokenizer)))])
            plain = self._tokenizer.decode(before)
        texts = [text.removeprefix(plain) if token not in control else "" for token, text in enumerate(written)]
        texts += [""] * (self._size - len(texts))
        good = np.array([_in_names(text.strip()) for text in texts])
        apart = np.array([text[:1].isspace() for text in texts])
        whole = np.array([word is not None for word in self.spell([(token,) for token in range(self._size)])])
        return Pieces(
            tuple(text.strip() if fit else "" for text, fit in zip(texts, good, strict=True)), good & apart & whole, good & ~apart
        )

    def entity_logprobs(self, items: Sequence[tuple[str, tuple[Span, ...]]], progress: Progress | None = None) -> list[tuple[Floats, ...]]:
        """As the port says; ``progress`` counts texts."""
        found: list[tuple[Floats, ...] | None] = [None] * len(items)
        order = sorted(range(len(items)), key=lambda number: len(items[number][0]))
        for start in range(0, len(items), _TEXTS):
            part = order[start : start + _TEXTS]
            for number, logs in zip(part, self._part([items[number] for number in part], start, len(items), progress), strict=True):
                found[number] = logs
        return [logs for logs in found if logs is not None]

    def _part(self, items: Sequence[Any], done: int, total: int, progress: Progress | None) -> list[tuple[Floats, ...]]:
        import torch

        texts = self._tokens(items)
        asked = questions(texts, int(self._tokenizer.mask_token_id))
        order = np.argsort(asked.row, kind="stable")
        ordered, values = asked.row[order], np.zeros(len(order))
        for part, logits in self._read(asked.rows):
            first, last = np.searchsorted(ordered, [part.start, part.stop])
            row = torch.from_numpy(ordered[first:last] - part.start).to(self._device)
            wanted = torch.from_numpy(asked.wanted[order[first:last]]).to(self._device)
            values[order[first:last]] = (logits[row, wanted] - torch.logsumexp(logits, -1)[row]).cpu().numpy()
            if progress:
                progress(done + len(items) * part.stop // len(asked.rows.ids), total)
        if progress and not asked.rows.ids:
            progress(done + len(items), total)
        self._check(values)
        return asked.answers(values, texts)

    def fill(self, cloze: Cloze, partial: Sequence[Partial]) -> npt.NDArray[np.float32]:
        """As the port says; the mean over prompts is taken where the model runs, and only it leaves the device."""
        import torch

        prompts, shares = self._prompts(cloze), cloze.shares()
        mask = int(self._tokenizer.mask_token_id)
        rows, order = by_length([filled(parts, slots, one, mask) for one in partial for parts, slots in prompts])
        if rows.ids and len(rows.ids[-1]) > self._window:
            raise BadRequest(
                f"{self._name} reads at most {self._window} tokens at once: shorten {cloze.prompts[order[-1] % len(prompts)]!r}"
            )
        owner = torch.tensor(order, device=self._device) // len(prompts)
        share = torch.tensor(shares[np.array(order, np.int64) % len(prompts)], dtype=torch.float32, device=self._device)
        total = torch.zeros((len(partial), self._size), device=self._device)
        for part, logits in self._read(rows):
            total.index_add_(0, owner[part], torch.log_softmax(logits, -1) * share[part, None])
        result: npt.NDArray[np.float32] = total.cpu().numpy()
        self._check(result)
        return result

    def spell(self, names: Sequence[tuple[int, ...]]) -> list[str | None]:
        """As the port says."""
        if not names:
            return []
        with self._tokenizing:
            words = [text.strip() for text in self._tokenizer.batch_decode([list(name) for name in names])]
            again = self._tokenizer(
                [self._space + word for word in words], add_special_tokens=False, split_special_tokens=True, verbose=False
            )
        return [word if tuple(ids) == name else None for word, ids, name in zip(words, again["input_ids"], names, strict=True)]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _prompts(self, cloze: Cloze) -> list[tuple[list[list[int]], tuple[int, ...]]]:
        """For each prompt the tokens around its slots, control tokens included, and its slots as they stand in it."""
        return [(self._around(prompt, cloze.slots), cloze.order(prompt)) for prompt in cloze.prompts]

    def _around(self, prompt: str, slots: Sequence[str]) -> list[list[int]]:
        """The tokens around slots that hold a plain word; or masks, where the prompt goes on with the word (``{head}s``)."""
        (read,) = self._tokens([sentence(prompt, slots, [_ANY] * len(slots))])
        plain = self._ids(self._space + _ANY)
        if all(read.ids[start:stop] == plain for start, stop in read.entities):
            return around(read.ids, read.entities)
        mask = self._tokenizer.mask_token
        text, _ = sentence(prompt, slots, [mask] * len(slots))
        with self._tokenizing:
            ids = self._tokenizer(_plain(self._space + text).replace(f" {mask}", mask), verbose=False)["input_ids"]
        places = [place for place, token in enumerate(ids) if token == self._tokenizer.mask_token_id]
        if len(places) != len(slots):
            raise BadRequest(f"the prompt {prompt!r} holds {mask!r}, with which {self._name} marks a gap: leave it out")
        return around(ids, [(place, place + 1) for place in places])

    def _tokens(self, items: Sequence[tuple[str, tuple[Span, ...]]]) -> list[Tokens]:
        """Texts as tokens with control tokens, each entity as a span of tokens."""
        with self._tokenizing:
            read = self._tokenizer(
                [self._space + _plain(text) for text, _ in items],
                return_offsets_mapping=True,
                return_special_tokens_mask=True,
                split_special_tokens=True,
                verbose=False,
            )
        found = []
        for (text, spans), ids, offsets, control in zip(
            items, read["input_ids"], read["offset_mapping"], read["special_tokens_mask"], strict=True
        ):
            if len(ids) > self._window:
                raise BadRequest(f"{self._name} reads at most {self._window} tokens at once, and this text has {len(ids)}: {text[:80]!r}")
            moved = [_without_spaces(self._space + text, start + len(self._space), stop + len(self._space)) for start, stop in spans]
            tokens = touched([(0, 0) if special else pair for pair, special in zip(offsets, control, strict=True)], moved)
            found.append(Tokens(ids, tuple(NOWHERE if self._tokenizer.unk_token_id in ids[slice(*span)] else span for span in tokens)))
        return found

    def _read(self, rows: Rows) -> Iterator[tuple[slice, Any]]:
        """Slices of the rows and their logits over the vocabulary, ``(slice, vocabulary)``, on the device."""
        import torch

        for part, ids, there in rows.batches(_TOKENS.get(self._device, _TOKENS_ELSEWHERE), max(1, _NUMBERS // self._size)):
            with self._running, torch.inference_mode():
                logits = self._logits(ids, there, rows.at[part], self._narrow)
            yield part, logits

    def _logits(self, ids: npt.NDArray[np.int64], there: npt.NDArray[np.bool_], at: list[int], narrow: bool) -> Any:
        import torch

        row, place = torch.arange(len(at), device=self._device), torch.tensor(at, device=self._device)
        padded = np.where(there, ids, self._tokenizer.pad_token_id or 0)
        given = {"input_ids": torch.from_numpy(padded).to(self._device), "attention_mask": torch.from_numpy(there).long().to(self._device)}
        if not narrow:
            return self._model(**given).logits[row, place]

        def asked_only(_module: Any, _given: Any, output: Any) -> Any:
            output["last_hidden_state"] = output["last_hidden_state"][row, place][:, None]
            return output

        hook = self._model.base_model.register_forward_hook(asked_only)
        try:
            return self._model(**given).logits[:, 0]
        finally:
            hook.remove()

    def _narrows(self) -> bool:
        """Whether the layer over the vocabulary can be given the asked places alone: tried, and compared."""
        import torch

        if self._model.base_model is self._model:
            return False
        there = np.array([[place < len(row) for place in range(len(_PROBE[0]))] for row in _PROBE])
        ids = np.zeros(there.shape, np.int64)
        ids[there] = np.concatenate(_PROBE) % self._size
        try:
            with torch.inference_mode():
                whole, narrow = (self._logits(ids, there, [3, 1], way) for way in (False, True))
        except (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError):
            return False
        return bool(whole.shape == narrow.shape and torch.allclose(whole, narrow, atol=1e-3))

    def _check(self, values: npt.NDArray[Any]) -> None:
        if not np.isfinite(values).all():
            raise ModelError(f"{self._name}: the model gave a score that is not a number; its weights may be damaged: fetch them again")


def _plain(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes; letters stay where they are."""
    return _SURROGATE.sub("\ufffd", text)


def _without_spaces(text: str, start: int, stop: int) -> Span:
    """Spaces around a name are not of it, and may belong to the next word's token."""
    inside = text[start:stop]
    return start + len(inside) - len(inside.lstrip()), stop - len(inside) + len(inside.rstrip())


def _in_names(text: str) -> bool:
    return any(letter.isalnum() for letter in text) and all(unicodedata.category(one)[0] in "LMN" or one in _IN_NAMES for one in text)


def _window(model: Any, tokenizer: Any) -> int:
    """Tokens of a text at most; of some models' places the first ones are left out, up to that of the padding."""
    known = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    places = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
    padding = [getattr(module, "padding_idx", None) for module in places]
    unused = max((place + 1 for place in padding if place is not None), default=0)
    return min(int(known) - unused if known and known > 0 else 2**20, int(tokenizer.model_max_length))


def _load(folder: Path, name: str, device: str) -> tuple[Any, Any]:
    model, tokenizer, missing = load(folder, name, device, "masked")
    if missing:
        raise ModelError(f"{name}: {folder} lacks weights of a masked language model, such as {missing[0]}: use another model")
    if not tokenizer.is_fast or tokenizer.mask_token_id is None:
        lacks = "a mask token" if tokenizer.is_fast else "a fast version, which says where tokens stand (tokenizer.json)"
        raise ModelError(f"{name}: its tokenizer has not {lacks}: use another model")
    return model, tokenizer
