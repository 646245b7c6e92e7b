"""Masked models that tests make: tiny, with random weights, or taught some sentences. Folders like any other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CONTROL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def wordpieces(pieces: Sequence[str]) -> Any:
    """A tokenizer as BERT has it, lower case, with those word pieces."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece({token: number for number, token in enumerate([*CONTROL, *pieces])}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return _framed(tokenizer)


def bytewise(sentences: Sequence[str], size: int) -> Any:
    """A tokenizer as RoBERTa has it, with merges learnt on the sentences: the space belongs to the word behind it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(CONTROL), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([f" {sentence}" for sentence in sentences], trainer)
    return _framed(tokenizer)


def sentencepieces(pieces: Sequence[str]) -> Any:
    """A tokenizer as ALBERT has it, with those pieces: every word begins with ``▁``, also the first."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    scores = [(token, 0.0) for token in CONTROL] + [(piece, -1.0) for piece in ("▁", *pieces)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=1))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return _framed(tokenizer)


def _framed(tokenizer: Any) -> Any:
    from tokenizers import processors

    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return tokenizer


def save(folder: Path, tokenizer: Any, kind: str = "bert", *, spread: float = 0.4, seed: int = 7, **options: Any) -> Path:
    """A model of that kind with random weights, and the tokenizer."""
    import torch
    from transformers import AlbertConfig, AutoModelForMaskedLM, BertConfig, PreTrainedTokenizerFast, RobertaConfig

    torch.manual_seed(seed)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 64}
    shape |= {"vocab_size": tokenizer.get_vocab_size(), "initializer_range": spread, "pad_token_id": 0} | options
    more = {"embedding_size": 16} if kind == "albert" else {}
    config: Any = {"bert": BertConfig, "roberta": RobertaConfig, "albert": AlbertConfig}[kind](**shape, **more)
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), CONTROL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return folder


def taught(folder: Path, sentences: Sequence[str], *, steps: int, seed: int = 7) -> Path:
    """The model in the folder, taught the sentences by masking two in five tokens, at times all of a stretch."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    torch.manual_seed(seed)
    chance = random.Random(seed)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    read = tokenizer(list(sentences), return_tensors="pt", padding=True, return_special_tokens_mask=True)
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    model.train()
    for _ in range(steps):
        chosen = torch.tensor(chance.choices(range(len(sentences)), k=64))
        ids, free = read["input_ids"][chosen], read["special_tokens_mask"][chosen] == 0
        hidden = free & (torch.rand(ids.shape) < chance.choice((0.15, 0.4, 0.6)))
        loss = model(
            input_ids=ids.masked_fill(hidden, tokenizer.mask_token_id),
            attention_mask=read["attention_mask"][chosen],
            labels=ids.masked_fill(~hidden, -100),
        ).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
    model.eval().save_pretrained(folder)
    return folder
