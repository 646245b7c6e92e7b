"""A BERT whose sentence is the mean of its words, in numpy: a few sentences are read before torch would be there.

Many are read sooner by ``encoder.SentenceEncoder``, whose vectors these are but for rounding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float32]

_MODULES = ["Transformer", "Pooling", "Normalize"]
_PLAIN = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}


@dataclass(frozen=True, slots=True)
class Bert:
    """The model of a folder. Threads may share it."""

    weights: Mapping[str, Reals]
    config: Mapping[str, Any]
    tokenizer: Any

    @classmethod
    def read(cls, folder: Path) -> Bert | None:
        """None where the folder holds no such model, or another kind, or what reads it is not installed."""
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer

            if (config := _described(folder)) is None:
                return None
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            weights = {name: values.astype(np.float32) for name, values in load_file(folder / "model.safetensors").items()}
        except Exception:  # noqa: BLE001 - a file is broken, and the libraries raise anything: who reads any model says what it is
            return None
        tokenizer.enable_truncation(config["max_seq_length"])
        tokenizer.enable_padding()
        return cls(weights, config, tokenizer)

    @property
    def dimension(self) -> int:
        return int(self.config["hidden_size"])

    def encode(self, texts: Sequence[str]) -> Reals:
        """``(texts, dimension)``, of unit length."""
        coded = self.tokenizer.encode_batch(list(texts))
        mask = np.array([one.attention_mask for one in coded], dtype=np.float32)
        held = self._embedded(np.array([one.ids for one in coded]))
        for number in range(self.config["num_hidden_layers"]):
            held = self._layer(f"encoder.layer.{number}.", held, mask)
        mean = (held * mask[:, :, None]).sum(axis=1)
        unit: Reals = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit

    def _embedded(self, ids: npt.NDArray[np.int64]) -> Reals:
        words, places, kinds = (self.weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type"))
        return self._normal("embeddings.", words[ids] + places[: ids.shape[1]] + kinds[0])

    def _layer(self, name: str, held: Reals, mask: Reals) -> Reals:
        from scipy.special import erf

        said = self._normal(f"{name}attention.output.", held + self._linear(f"{name}attention.output.dense", self._heard(name, held, mask)))
        inner = self._linear(f"{name}intermediate.dense", said)
        gelu = inner * (1 + erf(inner / np.float32(np.sqrt(2)))) / 2
        return self._normal(f"{name}output.", said + self._linear(f"{name}output.dense", gelu))

    def _heard(self, name: str, held: Reals, mask: Reals) -> Reals:
        """What every word hears of the others."""
        count, length, width = held.shape
        heads = self.config["num_attention_heads"]

        def parted(part: str) -> Reals:
            return self._linear(f"{name}attention.self.{part}", held).reshape(count, length, heads, -1).transpose(0, 2, 1, 3)

        near = parted("query") @ parted("key").swapaxes(2, 3) / np.float32(np.sqrt(width // heads))
        near = np.where(mask[:, None, None, :] > 0, near, -np.inf)
        weight = np.exp(near - near.max(axis=3, keepdims=True))
        heard: Reals = (weight / weight.sum(axis=3, keepdims=True)) @ parted("value")
        return heard.transpose(0, 2, 1, 3).reshape(count, length, width)

    def _linear(self, name: str, held: Reals) -> Reals:
        result: Reals = held @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return result

    def _normal(self, name: str, held: Reals) -> Reals:
        away = held - held.mean(axis=2, keepdims=True)
        spread = np.sqrt((away * away).mean(axis=2, keepdims=True) + np.float32(self.config["layer_norm_eps"]))
        result: Reals = away / spread * self.weights[f"{name}LayerNorm.weight"] + self.weights[f"{name}LayerNorm.bias"]
        return result


def _described(folder: Path) -> dict[str, Any] | None:
    """What the files of a folder say of its model; None where it is of another kind."""
    names = ("config.json", "sentence_bert_config.json", "1_Pooling/config.json", "modules.json")
    config, sentences, pooling, modules = (json.loads((folder / name).read_text("utf-8")) for name in names)
    pooled = [name for name, used in pooling.items() if name.startswith("pooling_mode_") and used]
    parts = [one["type"].rpartition(".")[2] for one in modules]
    plain = all(config.get(name) == value for name, value in _PLAIN.items())
    return {**config, **sentences} if plain and parts == _MODULES and pooled == ["pooling_mode_mean_tokens"] else None
