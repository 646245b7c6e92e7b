"""A causal language model of Hugging Face, read as a judge of given words, and asked for the words that come next.

``log p(continuation | prefix)`` is defined on tokens. The joint text ``prefix + continuation`` is tokenised;
the tokens that it shares with the prefix tokenised alone are given, the rest are scored. A continuation
normally begins with a space, which makes the boundary of the texts a boundary of tokens. Where a token
straddles it (``"is "`` + ``"Paris"``) that token is scored whole, as the model would have met it. Every text
begins with a start token, so an empty prefix needs no rule of its own and the chain rule holds from the first
word. It is the one that stood between the documents of the training text where the model has it: the BOS
of a chat model announces a speaker, and tells true from false pairs less well. Control tokens written out in
a text are plain words. Of a text longer than the model's window the beginning is left out.

Shared beginnings are computed once: see ``kgplatform.lm.trie``.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest, ModelError
from kgplatform.lm.ports import Tokens
from kgplatform.lm.pretrained import load
from kgplatform.lm.text import wellformed
from kgplatform.lm.trie import Row, rows
from kgplatform.ports import Progress

Scored = tuple[list[int], int]
"""Tokens from the start token on, and the place of the first one that is scored."""
Floats = npt.NDArray[np.float64]

_NODES = {"cpu": 512}
_NODES_ELSEWHERE = 2048
"""Tokens computed at once: more share more and fill a device better, but in attention each meets all."""
_LOCAL = ("sliding_window", "window_size", "attention_chunk_size")
"""How a configuration bounds the attention of some layers; a row within that bound does not feel it."""
_TEXTS = 8192
_PLAIN = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
_PROBE = (("The sun", " rises in the east"), ("The sun", " rises late"), ("The moon", " is far"), ("The moon is", " far"))


class TransformersScorer:
    """Scores and decodes with the model in ``folder`` (safetensors and a tokenizer; code and pickles in it are never run).

    Computed in float32: a score moves by far less than 1e-3 nats with the company it is computed in.
    Threads may share a scorer.
    """

    def __init__(self, folder: Path, name: str, device: str) -> None:
        self._name = name
        self._device = device
        self._model, self._tokenizer, _ = load(folder, name, device, "causal")
        self._start = _start(self._tokenizer, name)
        config = self._model.config.get_text_config()
        self._window = int(getattr(config, "max_position_embeddings", None) or 2**20)
        self._chooses = "logits_to_keep" in inspect.signature(self._model.forward).parameters
        self._tokenizing, self._running = Lock(), Lock()
        nodes = min(_NODES.get(device, _NODES_ELSEWHERE), *(getattr(config, name, None) or 2**20 for name in _LOCAL))
        self._nodes = nodes if self._packs(nodes) else 0

    @property
    def name(self) -> str:
        return self._name

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> Floats:
        """As the port says; ``progress`` counts items. Raises ``BadRequest`` for a continuation longer than the window."""
        copies = Counter(items)
        distinct = list(copies)
        weight = np.fromiter(copies.values(), np.int64)
        sums = np.zeros(len(distinct))
        done = 0
        for owner, values in self._scores(self._tokenised(distinct), self._nodes):
            np.add.at(sums, owner, values)
            done += int(weight[np.unique(owner)].sum())
            if progress:
                progress(done, len(items))
        if progress and done < len(items):
            progress(len(items), len(items))
        if not np.isfinite(sums).all():
            raise ModelError(self._damaged())
        place = {item: number for number, item in enumerate(distinct)}
        return sums[np.fromiter((place[item] for item in items), np.int64, len(items))]

    def _packs(self, nodes: int) -> bool:
        """Whether this model gives in a packed row what it gives text by text; recurrent ones and some others do not."""
        sequences = self._tokenised(_PROBE)
        sums = np.zeros((2, len(sequences)))
        try:
            for side, budget in enumerate((0, nodes)):
                for owner, values in self._scores(sequences, budget):
                    np.add.at(sums[side], owner, values)
        except (TypeError, ValueError, RuntimeError, IndexError):
            return False
        return bool(np.abs(sums[0] - sums[1]).max() < 1e-3)

    def _scores(self, sequences: Sequence[Scored], nodes: int) -> Iterator[tuple[npt.NDArray[np.int64], Floats]]:
        """For each row the numbers of its sequences and a part of their scores."""
        for row in rows(sequences, nodes):
            with self._running:
                values = self._run(row)
            yield row.owner, values

    def _run(self, row: Row) -> Floats:
        """Log-probability of each token that the row asks for, ``(asked,)``."""
        import torch

        with torch.inference_mode():
            logits, which = self._logits(row)
            at, wanted = torch.from_numpy(which).to(self._device), torch.from_numpy(row.wanted).to(self._device)
            scores = logits[at, wanted].double() - torch.logsumexp(logits, -1).double()[at]
        result: Floats = scores.cpu().numpy()
        return result

    def _logits(self, row: Row) -> tuple[Any, npt.NDArray[np.int64]]:
        """What the model gives at each node that is asked, ``(nodes, vocabulary)``, and which of these nodes each ask is about."""
        import torch

        nodes, which = np.unique(row.asked, return_inverse=True)
        keep = torch.from_numpy(nodes).to(self._device)
        given: dict[str, Any] = {"input_ids": torch.from_numpy(row.tokens)[None].to(self._device), "use_cache": False}
        if not row.single:
            visible = torch.from_numpy(row.visible()).to(self._device)
            mask = torch.zeros(visible.shape, device=self._device).masked_fill_(~visible, torch.finfo(torch.float32).min)
            given["attention_mask"] = mask[None, None]
            given["position_ids"] = torch.from_numpy(row.depth)[None].to(self._device)
        logits = self._model(**given, logits_to_keep=keep).logits[0] if self._chooses else self._model(**given).logits[0, keep]
        return logits, which

    def tokens(self, items: Sequence[tuple[str, str]]) -> list[tuple[Tokens, int]]:
        """As the port says."""
        return [(tuple(tokens), first) for tokens, first in self._tokenised(items)]

    def text(self, tokens: Tokens, first: int) -> str:
        """As the port says. The token before ``first`` is read with them: some tokenizers drop a space at the beginning of a text."""
        with self._tokenizing:
            before, whole = (self._tokenizer.decode(list(part), **_PLAIN) for part in (tokens[first - 1 : first], tokens[first - 1 :]))
        return str(whole)[len(before) :]

    def following(self, sequences: Sequence[Tokens], wanted: Sequence[npt.NDArray[np.int64]]) -> list[Floats]:
        """As the port says."""
        import torch

        found: list[Floats] = [np.zeros(0)] * len(sequences)
        for owner, logs in self._nexts(sequences):
            sizes = [len(wanted[number]) for number in owner]
            ids = torch.from_numpy(np.concatenate([wanted[number] for number in owner]).astype(np.int64)).to(self._device)
            at = torch.from_numpy(np.repeat(np.arange(len(owner)), sizes)).to(self._device)
            values = logs[at, ids].double().cpu().numpy()
            for number, part in zip(owner, np.split(values, np.cumsum(sizes)[:-1]), strict=True):
                found[number] = part
        return found

    def likeliest(self, sequences: Sequence[Tokens], count: int) -> tuple[npt.NDArray[np.int64], Floats]:
        """As the port says."""
        ids, values = [], []
        order: list[int] = []
        for owner, logs in self._nexts(sequences):
            top = logs.topk(min(count, logs.shape[-1]), -1)
            ids.append(top.indices.cpu().numpy())
            values.append(top.values.double().cpu().numpy())
            order.extend(owner)
        if not order:
            return np.zeros((0, count), np.int64), np.zeros((0, count))
        back = np.argsort(order)
        return np.concatenate(ids)[back], np.concatenate(values)[back]

    def _nexts(self, sequences: Sequence[Tokens]) -> Iterator[tuple[list[int], Any]]:
        """For each row the numbers of its sequences, and log p of what may follow, on the device: ``(sequences, vocabulary)``."""
        import torch

        cut = [tokens if len(tokens) <= self._window else (tokens[0], *tokens[len(tokens) - self._window + 1 :]) for tokens in sequences]
        for row in rows([([*tokens, 0], len(tokens)) for tokens in cut], self._nodes):
            with self._running, torch.inference_mode():
                logits, which = self._logits(row)
                logs = logits.log_softmax(-1)[torch.from_numpy(which).to(self._device)]
                if not bool(torch.isfinite(logs).any(-1).all()):
                    raise ModelError(self._damaged())
            yield row.owner.tolist(), logs

    def _damaged(self) -> str:
        return f"{self._name}: the model gave a score that is not a number; its weights may be damaged: fetch them again"

    def _tokenised(self, items: Sequence[tuple[str, str]]) -> list[Scored]:
        alone = self._tokens(dict.fromkeys(prefix for prefix, _ in items))
        joint = self._tokens(dict.fromkeys(prefix + continuation for prefix, continuation in items))
        return [self._sequence(alone[prefix], joint[prefix + continuation]) for prefix, continuation in items]

    def _sequence(self, prefix: list[int], joint: list[int]) -> Scored:
        first = _shared(prefix, joint) + 1
        tokens = [self._start, *joint]
        over = len(tokens) - 1 - self._window
        if over <= 0:
            return tokens, first
        if first - 1 < over:
            raise BadRequest(
                f"{self._name} reads at most {self._window} tokens at once, and a continuation has {len(tokens) - first}: shorten it"
            )
        return [self._start, *tokens[over + 1 :]], first - over

    def _tokens(self, texts: dict[str, None]) -> dict[str, list[int]]:
        """The tokens of each text, without any that the tokenizer would add."""
        listed = [text for text in texts if text]
        found: dict[str, list[int]] = {"": []}
        for start in range(0, len(listed), _TEXTS):
            part = listed[start : start + _TEXTS]
            with self._tokenizing:
                ids = self._tokenizer(
                    [wellformed(text) for text in part], add_special_tokens=False, split_special_tokens=True, verbose=False
                )
            found.update(zip(part, ids["input_ids"], strict=True))
        return found


def _shared(one: list[int], other: list[int]) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(at for at in range(length) if one[at] != other[at])


def _start(tokenizer: Any, name: str) -> int:
    between_documents = tokenizer.get_vocab().get("<|endoftext|>")
    for token in (between_documents, tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise ModelError(f"{name}: its tokenizer has neither a beginning-of-text nor an end-of-text token: use another scorer model")
