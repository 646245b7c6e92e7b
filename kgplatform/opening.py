"""From settings to a graph and to models: the one place that chooses implementations.

Adapters are imported when chosen, so that ``kg --help`` loads no driver and no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kgplatform import names
from kgplatform import settings as settings_module
from kgplatform.errors import BadRequest, BadSetting, WeightsMissing
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.ports import ChatModel, Decoder, Encoder, MaskedModel, TokenScorer
from kgplatform.settings import Settings

Reads = Literal["causal", "masked"]

if TYPE_CHECKING:
    from kgplatform.lm.scorer import TransformersScorer


def connect(
    target: str | None = None,
    *,
    settings: Settings | None = None,
    backup_to: Path | None = None,
    create: bool = True,
    restoring: bool = False,
) -> KnowledgeGraph:
    """The configured graph; ``connect("memory")`` is empty and gone when closed; ``connect("snapshot:NAME")`` is only read; a
    ``bolt://`` address is that Neo4j.

    A graph of an older schema is refused, or, with a file to ``backup_to`` first, brought up. Without ``create`` one that the local
    server does not have is ``NotFound``. One that is half restored is opened only for ``restoring``.
    """
    if target == "memory":
        from kgplatform.store.memory import MemoryStore

        return KnowledgeGraph(MemoryStore())
    chosen = settings or settings_module.load()
    named = "" if target is None else names.text(target, "where a graph is")
    if named and "://" not in named and not named.startswith("snapshot:"):
        raise BadRequest(
            f"connect({named[:80]!r}): there are  memory,  snapshot:NAME  and addresses like  neo4j://localhost:7687;  "
            "graphs of the local server are named by  KG_GRAPH"
        )
    if (name := target or chosen["KG_GRAPH"]).startswith("snapshot:"):
        from kgplatform import snapshots

        return snapshots.opened(chosen.home / "snapshots", name.removeprefix(snapshots.PREFIX))
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
            restoring=restoring,
        )
        return KnowledgeGraph(store)
    from kgplatform.store import local

    return KnowledgeGraph(local.open_store(chosen.home, chosen["KG_GRAPH"], backup_to=backup_to, create=create, restoring=restoring))


def _local(setting: str, value: str) -> str:
    provider, _, model = value.partition(":")
    if provider != "local" or not model:
        raise BadSetting(f"{setting}: {value!r} is not  local:MODEL  (see  kg models list)")
    return model


def scorer(settings: Settings) -> TokenScorer:
    """The configured scorer behind its cache in the data folder."""
    return causal(settings)[0]


def causal(settings: Settings, name: str | None = None) -> tuple[TokenScorer, Decoder]:
    """The configured scorer, or the one of that name, behind its cache; and the same model asked for what comes next."""
    from kgplatform.lm.cache import CachedScorer

    bare = bare_scorer(settings, name)
    return CachedScorer(bare, settings.home / "cache" / "scores.sqlite"), bare


def bare_scorer(settings: Settings, name: str | None = None) -> TransformersScorer:
    """The configured scorer, or the one of that name, without a memory. A masked model in a folder is ``BadSetting``."""
    from kgplatform.lm import device
    from kgplatform.lm.scorer import TransformersScorer

    if reads(settings, name) == "masked":
        raise BadSetting(f"the scorer {name or settings['KG_SCORER_MODEL']} is a masked language model; this needs a causal one")
    folder, revision = _judging(settings, name)
    return TransformersScorer(folder, revision, device.resolve(settings["KG_DEVICE"]))


def masked(settings: Settings, name: str | None = None) -> MaskedModel:
    """The configured scorer, or the one of that name, where it is a masked model in a folder; else ``BadSetting``."""
    from kgplatform.lm import device
    from kgplatform.lm.masked import TransformersMasked

    if reads(settings, name) == "causal":
        raise BadSetting(f"the scorer {name or settings['KG_SCORER_MODEL']} is a causal language model; this needs a masked one")
    folder, revision = _judging(settings, name)
    return TransformersMasked(folder, revision, device.resolve(settings["KG_DEVICE"]))


def reads(settings: Settings, name: str | None = None) -> Reads:
    """How the configured scorer reads, or the one of that name: ``scorer`` opens a causal one, ``masked`` a masked one."""
    from kgplatform.lm import modelcards, modelfolder

    model = _local("the scorer" if name else "KG_SCORER_MODEL", name or settings["KG_SCORER_MODEL"])
    return modelfolder.reads(Path(model).expanduser()) if modelcards.names_file(model) else "causal"


def _judging(settings: Settings, name: str | None) -> tuple[Path, str]:
    """The folder of a scorer, and what evidence and caches call it."""
    from kgplatform.lm import modelcards, modelfolder, weights

    model = _local("the scorer" if name else "KG_SCORER_MODEL", name or settings["KG_SCORER_MODEL"])
    if modelcards.names_file(model):
        folder = Path(model).expanduser()
        return folder, modelfolder.revision(folder)
    return weights.folder(model, settings.home), modelcards.card(model).revision


def check_scorer(settings: Settings, name: str | None = None) -> None:
    """Raises ``BadSetting`` or ``NotFound`` unless that scorer is on this machine; nothing is loaded."""
    with _here():
        reads(settings, name)
        _judging(settings, name)


def check_encoder(settings: Settings) -> None:
    """Raises ``BadSetting`` or ``NotFound`` unless the sentence encoder is on this machine; nothing is loaded."""
    from kgplatform.lm import weights

    with _here():
        weights.folder(_local("KG_ENCODER_MODEL", settings["KG_ENCODER_MODEL"]), settings.home)


def check_chat(settings: Settings, name: str | None = None) -> None:
    """Raises what ``bare_chat`` would, ``BadSetting`` for weights that are not here; nothing is loaded and nobody asked."""
    from kgplatform.lm import llama

    model = name or settings["KG_CHAT_MODEL"]
    provider, _, rest = model.partition(":")
    with _here():
        if provider == "local" and rest:
            llama.check(_gguf(settings, rest)[0])
        else:
            bare_chat(settings, name)


@contextmanager
def _here() -> Iterator[None]:
    """What is not fetched was wrong to ask for."""
    try:
        yield
    except WeightsMissing as error:
        raise BadSetting(str(error)) from None


def encoder(settings: Settings) -> Encoder:
    """The configured sentence encoder behind its cache in the data folder."""
    from kgplatform.lm.cache import CachedEncoder

    return CachedEncoder(bare_encoder(settings), settings.home / "cache" / "vectors.sqlite")


def bare_encoder(settings: Settings, name: str | None = None) -> Encoder:
    """The configured sentence encoder, or the one of that name, without a memory."""
    from kgplatform.lm import modelcards, weights
    from kgplatform.lm.encoder import SentenceEncoder

    model = _local("KG_ENCODER_MODEL", name or settings["KG_ENCODER_MODEL"])
    folder = weights.folder(model, settings.home)
    return SentenceEncoder(folder, modelcards.card(model).revision, settings["KG_DEVICE"])


def reader(settings: Settings) -> Path:
    """The folder of the pipeline that finds mentions in documents."""
    from kgplatform.lm import weights

    return weights.folder("en_core_web_sm", settings.home)


def chat(settings: Settings, name: str | None = None, run: str = "") -> ChatModel:
    """The configured chat model, or the one of that name: a card's, a GGUF file's, or a provider's.

    It remembers answers, asks again when that helps, and keeps to the limits and budgets that are set; that of a run goes by ``run``.
    """
    from kgplatform.lm.wrapping import wrapped

    return wrapped(bare_chat(settings, name), settings, run)


def bare_chat(settings: Settings, name: str | None = None) -> ChatModel:
    """The chat model itself: it remembers, retries and counts nothing."""
    model = name or settings["KG_CHAT_MODEL"]
    provider, _, rest = model.partition(":")
    if not rest and provider in ("", "local"):
        raise BadSetting(
            "KG_CHAT_MODEL names no chat model: set it to local:qwen2.5-coder-1.5b, which  kg models fetch qwen2.5-coder-1.5b  brings, "
            "to local:FILE.gguf, or to a provider's, such as openai:MODEL"
        )
    if provider == "local":
        return _llama(settings, rest)
    from kgplatform.lm.chat import connect as connect_chat

    return connect_chat(model, key=settings["OPENAI_API_KEY"], base_url=settings["OPENAI_BASE_URL"])


def _llama(settings: Settings, model: str) -> ChatModel:
    from kgplatform.lm.llama import LlamaChat

    file, name = _gguf(settings, model)
    return LlamaChat(file, settings.home / "logs", name, settings["KG_DEVICE"] != "cpu")


def _gguf(settings: Settings, model: str) -> tuple[Path, str]:
    """The file of a local chat model, and what evidence calls it; no name where its file gives it one."""
    from kgplatform.lm import modelcards, weights

    if modelcards.names_file(model):
        return Path(model).expanduser(), ""
    card = modelcards.card(model)
    if not card.chats:
        chatting = ", ".join(f"local:{one.name}" for one in modelcards.cards().values() if one.chats)
        raise BadSetting(f"KG_CHAT_MODEL: the model {model} does not chat: there are {chatting}, or name a GGUF file")
    return weights.folder(model, settings.home) / card.files[0].path, f"local:{card.revision}"
