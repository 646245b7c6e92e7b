"""Every setting, where its value came from, and nothing else: the only module that reads the environment.

Sources in order: arguments, environment, ``.env`` in the working folder, ``config.toml`` in the user's
configuration folder, defaults. ``kg config`` prints what ``Settings.rows`` gives.

A secret may stand in a file instead: ``NEO4J_PASSWORD_FILE`` names one that holds the password alone, and ``NEO4J_AUTH_FILE``
Neo4j's own kind, ``user/password``. The file counts where its variable stands, behind the setting itself.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgplatform.errors import BadSetting


def _text(raw: str) -> str:
    return raw


def _folder(raw: str) -> str:
    if "\0" in raw:
        raise ValueError
    try:
        return str(Path(raw).expanduser())
    except RuntimeError:  # ~nobody
        raise ValueError from None


def _amount(raw: str) -> str:
    if not (math.isfinite(amount := float(raw)) and amount >= 0):
        raise ValueError
    return raw


def _count(raw: str) -> str:
    if not (raw.isascii() and raw.isdigit() and int(raw)):
        raise ValueError
    return raw


def _uri(raw: str) -> str:
    if not re.fullmatch(r"(bolt|neo4j)(\+s|\+ssc)?://[^\s/@]+(/[^\s@]*)?", raw):
        raise ValueError
    return raw


def _url(raw: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+(/[^\s@]*)?", raw):
        raise ValueError
    return raw


def _device(raw: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", raw):
        raise ValueError
    return raw


def _graph(raw: str) -> str:
    if raw.startswith("snapshot:"):
        return raw
    if not (raw.replace("_", "").isalnum() and raw.isascii() and raw[0].isalpha() and len(raw) <= 60):
        raise ValueError
    return raw


def _yes(raw: str) -> str:
    if raw not in ("yes", "no"):
        raise ValueError
    return raw


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set: its variable, default, meaning, and how a value is read."""

    name: str
    default: str
    meaning: str
    read: Callable[[str], str] = _text
    secret: bool = False
    expects: str = "text"


_AMOUNT = "a number, 0 or more"
_COUNT = "a whole number, 1 or more"
SETTINGS = (
    Setting("KG_HOME", "", "data folder: local server, caches, models", _folder, expects="a folder"),
    Setting(
        "KG_GRAPH",
        "kg",
        "graph of the local server",
        _graph,
        expects="letters, digits and '_', a letter first, or snapshot:NAME",
    ),
    Setting("KG_DEVICE", "auto", "where models run", _device, expects="auto, cpu, cuda, cuda:N or mps"),
    Setting("KG_SCORER_MODEL", "local:smollm2-135m", "language model that scores: local:NAME, or local:FOLDER of Hugging Face"),
    Setting("KG_ENCODER_MODEL", "local:minilm", "sentence encoder (provider:model)"),
    Setting("KG_CHAT_MODEL", "", "chat model: local:NAME, local:FILE.gguf, or provider:model such as openai:MODEL, ollama:MODEL"),
    Setting("OPENAI_API_KEY", "", "key of the endpoint that speaks OpenAI's protocol", secret=True),
    Setting("OPENAI_BASE_URL", "", "its address, where it is not OpenAI's own", _url, expects="like http://localhost:8000/v1"),
    Setting("KG_CHAT_RPM", "", "requests to the chat model a minute, at most; empty: no limit", _count, expects=_COUNT),
    Setting("KG_CHAT_TPM", "", "tokens of requests and answers a minute, at most; empty: no limit", _count, expects=_COUNT),
    Setting("KG_BUDGET_USD", "", "hard limit of a run: USD for models; 0 lets only free ones be asked", _amount, expects=_AMOUNT),
    Setting("KG_BUDGET_TOKENS", "", "hard limit of a run: tokens of requests and answers", _amount, expects=_AMOUNT),
    Setting("KG_BUDGET_USD_DAY", "", "hard limit of a day (UTC), all runs together: USD for models", _amount, expects=_AMOUNT),
    Setting("KG_BUDGET_TOKENS_DAY", "", "hard limit of a day (UTC), all runs together: tokens", _amount, expects=_AMOUNT),
    Setting("KG_PRICE_PROMPT", "", "USD per million tokens of requests; empty: by the list that ships", _amount, expects=_AMOUNT),
    Setting("KG_PRICE_COMPLETION", "", "USD per million tokens of answers; empty: by the list that ships", _amount, expects=_AMOUNT),
    Setting("NEO4J_URI", "", "Neo4j server; empty: the local server", _uri, expects="like neo4j://localhost:7687, without a user"),
    Setting("NEO4J_USERNAME", "neo4j", "Neo4j user"),
    Setting("NEO4J_PASSWORD", "", "Neo4j password", secret=True),
    Setting("NEO4J_DATABASE", "neo4j", "Neo4j database"),
    Setting("NEO4J_SOURCE_PASSWORD", "", "password of the Neo4j whose graph  kg import --from-neo4j  adopts", secret=True),
    Setting("KG_SHARED_DATABASE", "no", "may live beside other data in the Neo4j database", _yes, expects="yes or no"),
    Setting("KG_API_TOKEN", "", "token that  kg api  and  kg mcp --http  ask for; needed where other machines reach them", secret=True),
    Setting("TZ", "", "time zone of schedules, like Europe/Berlin; empty: this machine's"),
    Setting("RAY_ADDRESS", "", "Ray cluster for jobs; not used yet: jobs run in threads of one machine"),
)
_KNOWN = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of ``kg config``; the value of a secret is masked."""

    name: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked values by name, and where each came from."""

    values: Mapping[str, str]
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def home(self) -> Path:
        """The data folder; it may not exist yet."""
        if given := self.values["KG_HOME"]:
            return Path(given)
        import platformdirs

        return Path(platformdirs.user_data_dir("kgplatform", appauthor=False))

    def rows(self) -> Iterator[Row]:
        for setting in SETTINGS:
            value = str(self.home) if setting.name == "KG_HOME" else self.values[setting.name]
            yield Row(setting.name, "********" if setting.secret and value else value, self.origins[setting.name], setting.meaning)


@dataclass(frozen=True, slots=True)
class Processes:
    """Which of how many processes that were started together this is, and which of those on this machine, as ``torchrun`` says."""

    rank: int
    size: int
    local: int


def processes(environment: Mapping[str, str] | None = None) -> Processes | None:
    """``None`` where one was started by itself. Raises ``BadSetting`` for numbers that cannot be."""
    environment = os.environ if environment is None else environment
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return None
    told = [environment["RANK"], environment["WORLD_SIZE"], environment.get("LOCAL_RANK", environment["RANK"])]
    if not all(one.isdecimal() for one in told) or int(told[0]) >= int(told[1]):
        raise BadSetting(f"RANK {told[0]!r} of WORLD_SIZE {told[1]!r}: is a number from 0 of how many processes there are")
    return Processes(*map(int, told))


def config_file(environment: Mapping[str, str]) -> Path:
    """The user's configuration file, whether or not it exists."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".config")
    return Path(base) / "kgplatform" / "config.toml"


def _toml(path: Path) -> dict[str, str]:
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{path}: cannot be read as TOML ({error})") from None
    if unknown := sorted(set(raw) - set(_KNOWN)):
        raise BadSetting(f"{path}: unknown setting {unknown[0]!r}{_nearest(unknown[0])}")
    if unusable := [name for name, value in raw.items() if isinstance(value, dict | list)]:
        raise BadSetting(f"{path}: {unusable[0]} must be one value")
    return {name: str(value) for name, value in raw.items()}


def _dotenv(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path}: cannot be read ({error})") from None


def _files(named: Mapping[str, str]) -> dict[str, str]:
    """The secrets that stand in files which these variables name."""
    found: dict[str, str] = {}
    if path := named.get("NEO4J_AUTH_FILE"):
        user, slash, password = _secret("NEO4J_AUTH_FILE", path).partition("/")
        if not (user and slash and password):
            raise BadSetting(f"NEO4J_AUTH_FILE: {path} must hold one line like  neo4j/password")
        found |= {"NEO4J_USERNAME": user, "NEO4J_PASSWORD": password}
    for setting in SETTINGS:
        if setting.secret and (path := named.get(f"{setting.name}_FILE")):
            found[setting.name] = _secret(f"{setting.name}_FILE", path)
    return found


def _secret(name: str, path: str) -> str:
    try:
        held = Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise BadSetting(f"{name}: {path} cannot be read ({getattr(error, 'strerror', '') or error})") from None
    if not held or "\n" in held:
        raise BadSetting(f"{name}: {path} must hold the secret in one line")
    return held


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, _KNOWN, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def load(
    arguments: Mapping[str, str | None] | None = None, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Settings:
    """Read all sources. Raises ``BadSetting`` with the setting, its source and what it expects."""
    environment = os.environ if environment is None else environment
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    dotenv = (folder or Path()) / ".env"
    file = config_file(environment)
    written = _dotenv(dotenv) if dotenv.is_file() else {}
    sources: list[tuple[str, Mapping[str, str]]] = [
        ("argument", given),
        ("environment", environment),
        ("a file named in the environment", _files(environment)),
        (str(dotenv.absolute()), written),
        (f"a file named in {dotenv.absolute()}", _files(written)),
        (str(file), _toml(file)),
        ("default", {setting.name: setting.default for setting in SETTINGS}),
    ]
    values, origins = {}, {}
    for setting in SETTINGS:
        origin, raw = _first(setting, sources)
        try:
            values[setting.name] = setting.read(raw) if raw else raw
        except ValueError:
            shown = "the value given" if setting.secret else repr(re.sub(r"//[^/]*@", "//…@", raw))
            raise BadSetting(f"{setting.name} ({origin}): {shown} is not {setting.expects}") from None
        origins[setting.name] = origin
    return Settings(values, origins, _warnings([("environment", environment), (str(dotenv.absolute()), written)]))


def _first(setting: Setting, sources: list[tuple[str, Mapping[str, str]]]) -> tuple[str, str]:
    """The first source that has a value. An empty one counts only where empty is the default, hence a choice."""
    given = [(origin, source[setting.name]) for origin, source in sources if setting.name in source]
    return next((origin, raw) for origin, raw in given if raw or not setting.default)


def _warnings(sources: list[tuple[str, Mapping[str, str]]]) -> tuple[str, ...]:
    files = {f"{setting.name}_FILE" for setting in SETTINGS if setting.secret}
    return tuple(
        f"unknown setting {name} ({origin}){_nearest(name)}"
        for origin, source in sources
        for name in sorted(source)
        if name.startswith("KG_") and name not in _KNOWN and name not in files
    )
