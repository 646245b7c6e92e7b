"""Which chat model the settings open, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kgplatform import opening, settings
from kgplatform.errors import BadSetting, MissingExtra, ModelRefused
from kgplatform.lm.spending import spent
from kgplatform.lm.talk import Message, Request
from kgplatform.lm.wrapping import spending_file
from tests.contract.chat_endpoint import ANSWER, KEY, Endpoint, endpoint
from ui.cli.main import main

ASKED = Request((Message("user", "What is the capital of France?"),), max_tokens=40)


@pytest.fixture
def there() -> Iterator[Endpoint]:
    with endpoint() as made:
        yield made


def _settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> settings.Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return settings.load()


def test_the_configured_endpoint_is_opened(there: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _settings(monkeypatch, KG_CHAT_MODEL="openai:gpt-nine", OPENAI_BASE_URL=there.url, OPENAI_API_KEY=KEY)
    assert opening.chat(given).reply(ASKED).text == ANSWER
    assert opening.chat(given, "openai:other").name == "openai:other"


def test_an_endpoint_of_ones_own_needs_no_key(there: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelRefused):
        opening.chat(_settings(monkeypatch, KG_CHAT_MODEL="openai:gpt-nine", OPENAI_BASE_URL=there.url)).reply(ASKED)
    assert len(there.seen) == 1  # it was asked, and this one does want a key


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("", BadSetting, "KG_CHAT_MODEL names no chat model"),
        ("local:", BadSetting, "KG_CHAT_MODEL names no chat model"),
        ("local:minilm", BadSetting, "minilm does not chat: there are local:smollm2-135m"),
        ("opnai:gpt-nine", BadSetting, "did you mean openai:gpt-nine?"),
        ("lokal:qwen", BadSetting, "did you mean local:qwen?"),
        ("qqq", BadSetting, "names no provider that is known, such as openai:MODEL"),
        ("openai:", BadSetting, "must be openai:MODEL"),
        ("openai:gpt-nine", ModelRefused, "there is no key: set OPENAI_API_KEY to one"),
        ("fireworks:x", MissingExtra, "pip install langchain-fireworks"),
    ],
)
def test_a_model_that_cannot_be_had_is_a_sentence(name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace("?", r"\?")):
        opening.chat(settings.load(), name)


@pytest.mark.parametrize("package", ["langchain", "langchain_openai", "xllamacpp"])
def test_a_missing_package_is_a_sentence(package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    (tmp_path / "some.gguf").write_bytes(b"GGUF")
    with pytest.raises(MissingExtra, match=r"kgplatform\[chat\]"):
        opening.chat(settings.load(), f"local:{tmp_path}/some.gguf" if package == "xllamacpp" else "openai:x")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"KG_BUDGET_USD": "0", "KG_PRICE_PROMPT": "1", "KG_PRICE_COMPLETION": "1"}, "KG_BUDGET_USD"),
        ({"KG_BUDGET_TOKENS": "5"}, "KG_BUDGET_TOKENS"),
        ({"KG_BUDGET_USD": "1"}, "price of openai:gpt-nine is not known"),
        ({"KG_CHAT_TPM": "10"}, "KG_CHAT_TPM"),
    ],
)
def test_trying_a_model_out_keeps_to_budgets_and_limits(
    there: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], held: dict[str, str], words: str
) -> None:
    _settings(monkeypatch, OPENAI_BASE_URL=there.url, OPENAI_API_KEY=KEY, **held)
    assert main(["models", "test", "openai:gpt-nine"]) in (1, 2)
    assert words in capsys.readouterr().err
    assert not there.seen


def test_what_trying_a_model_out_costs_is_counted(there: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _settings(
        monkeypatch, OPENAI_BASE_URL=there.url, OPENAI_API_KEY=KEY, KG_PRICE_PROMPT="1", KG_PRICE_COMPLETION="1", KG_BUDGET_USD="1"
    )
    assert main(["models", "test", "openai:gpt-nine", "--quiet"]) == 0
    assert spent(spending_file(given), model="openai:gpt-nine").calls == 2
