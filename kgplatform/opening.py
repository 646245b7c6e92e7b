"""From settings to a graph and to models: the one place that chooses implementations.

Adapters are imported when chosen, so that ``kg --help`` loads no driver and no torch.
"""

from __future__ import annotations

from pathlib import Path

from kgplatform import settings as settings_module
from kgplatform.errors import BadSetting
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.settings import Settings


def connect(target: str | None = None, *, settings: Settings | None = None, backup_to: Path | None = None) -> KnowledgeGraph:
    """The configured graph; ``connect("memory")`` is empty and gone when closed; a ``bolt://`` address is that Neo4j.

    A graph of an older schema is refused, or, with a file to ``backup_to`` first, brought up.
    """
    if target == "memory":
        from kgplatform.store.memory import MemoryStore

        return KnowledgeGraph(MemoryStore())
    chosen = settings or settings_module.load()
    uri = target or chosen["NEO4J_URI"]
    if uri:
        from kgplatform.store import neo4j

        store = neo4j.open_store(
            uri,
            chosen["NEO4J_USERNAME"],
            chosen["NEO4J_PASSWORD"],
            chosen["NEO4J_DATABASE"],
            allow_occupied=chosen["KG_SHARED_DATABASE"] == "yes",
            backup_to=backup_to,
        )
        return KnowledgeGraph(store)
    from kgplatform.store import local

    return KnowledgeGraph(local.open_store(chosen.home, chosen["KG_GRAPH"], backup_to=backup_to))


def _local(settings: Settings, name: str) -> str:
    provider, _, model = settings[name].partition(":")
    if provider != "local" or not model:
        raise BadSetting(f"{name}: {settings[name]!r} is not  local:MODEL  (see  kg models list)")
    return model


def scorer(settings: Settings) -> TokenScorer:
    """The configured scorer behind its cache in the data folder."""
    from kgplatform.lm import device, modelcards, weights
    from kgplatform.lm.cache import CachedScorer
    from kgplatform.lm.scorer import TransformersScorer

    model = _local(settings, "KG_SCORER_MODEL")
    folder = weights.folder(model, settings.home)
    name = modelcards.card(model).revision
    return CachedScorer(TransformersScorer(folder, name, device.resolve(settings["KG_DEVICE"])), settings.home / "cache" / "scores.sqlite")


def encoder(settings: Settings) -> Encoder:
    """The configured sentence encoder behind its cache in the data folder."""
    from kgplatform.lm import device, modelcards, weights
    from kgplatform.lm.cache import CachedEncoder
    from kgplatform.lm.encoder import SentenceEncoder

    model = _local(settings, "KG_ENCODER_MODEL")
    folder = weights.folder(model, settings.home)
    name = modelcards.card(model).revision
    return CachedEncoder(SentenceEncoder(folder, name, device.resolve(settings["KG_DEVICE"])), settings.home / "cache" / "vectors.sqlite")


def reader(settings: Settings) -> Path:
    """The folder of the pipeline that finds mentions in documents."""
    from kgplatform.lm import weights

    return weights.folder("en_core_web_sm", settings.home)
