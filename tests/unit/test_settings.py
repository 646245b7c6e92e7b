"""Where a setting's value comes from, and what is said about one that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kgplatform.errors import BadSetting
from kgplatform.settings import SETTINGS, Settings, load


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "config" / "kgplatform").mkdir(parents=True)
    return tmp_path


def read(folder: Path, arguments: Mapping[str, str | None] | None = None, /, **environment: str) -> Settings:
    return load(arguments, {"XDG_CONFIG_HOME": str(folder / "config"), **environment}, folder)


def toml(folder: Path, text: str) -> None:
    (folder / "config" / "kgplatform" / "config.toml").write_text(text)


def test_the_nearer_source_wins(sources: Path) -> None:
    assert (read(sources)["KG_GRAPH"], read(sources).origins["KG_GRAPH"]) == ("kg", "default")
    toml(sources, 'KG_GRAPH = "from_toml"')
    assert read(sources)["KG_GRAPH"] == "from_toml"
    (sources / ".env").write_text("KG_GRAPH=from_dotenv\n")
    assert read(sources).origins["KG_GRAPH"] == str(sources / ".env")
    assert read(sources, KG_GRAPH="from_environment")["KG_GRAPH"] == "from_environment"
    assert read(sources, {"KG_GRAPH": "argument"}, KG_GRAPH="x")["KG_GRAPH"] == "argument"
    assert read(sources, {"KG_GRAPH": None}, KG_GRAPH="x")["KG_GRAPH"] == "x"


def test_an_empty_value_is_a_choice_only_where_empty_means_something(sources: Path) -> None:
    toml(sources, 'NEO4J_URI = "bolt://far:7687"\nKG_DEVICE = "cpu"')
    assert read(sources, NEO4J_URI="")["NEO4J_URI"] == ""
    assert read(sources, KG_DEVICE="")["KG_DEVICE"] == "cpu"
    assert read(sources, KG_GRAPH="")["KG_GRAPH"] == "kg"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KG_BUDGET_USD", "nan"),
        ("KG_BUDGET_USD", "inf"),
        ("KG_BUDGET_TOKENS", "-1"),
        ("KG_BUDGET_TOKENS", "many"),
        ("KG_BUDGET_USD_DAY", "-0.01"),
        ("KG_PRICE_PROMPT", "free"),
        ("KG_CHAT_RPM", "0"),
        ("KG_CHAT_RPM", "1.5"),
        ("KG_CHAT_TPM", "-1"),
        ("KG_CHAT_TPM", "unlimited"),
        ("NEO4J_URI", "bolt"),
        ("NEO4J_URI", "bolt://"),
        ("NEO4J_URI", "http://localhost:7474"),
        ("KG_DEVICE", "cuda:first"),
        ("KG_DEVICE", "tpu"),
        ("KG_GRAPH", "two words"),
        ("KG_GRAPH", "1st"),
        ("KG_HOME", "~nobody-of-this-name/kg"),
    ],
)
def test_an_unusable_value_is_told_with_its_source(sources: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=rf"{name} \(environment\): .* is not "):
        read(sources, None, **{name: value})


def test_a_password_in_an_address_is_refused_and_not_repeated(sources: Path) -> None:
    with pytest.raises(BadSetting) as error:
        read(sources, NEO4J_URI="bolt://neo4j:s3cret@localhost:7687")
    assert "s3cret" not in str(error.value)
    assert "localhost" in str(error.value)


@pytest.mark.parametrize("value", ["bolt://localhost", "neo4j://localhost:7687", "neo4j+s://x.example:7687/", "bolt+ssc://[::1]:7687"])
def test_addresses(sources: Path, value: str) -> None:
    assert read(sources, NEO4J_URI=value)["NEO4J_URI"] == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("KG_GRAPHS = 1", "did you mean KG_GRAPH"),
        ("KG_GRAPH = ", "cannot be read as TOML"),
        ("KG_CHAT_MODEL = ['a']", "KG_CHAT_MODEL must be one value"),
        ("[NEO4J_URI]\nhost = 1", "NEO4J_URI must be one value"),
    ],
)
def test_a_bad_configuration_file_is_named(sources: Path, text: str, words: str) -> None:
    toml(sources, text)
    with pytest.raises(BadSetting, match=words) as error:
        read(sources)
    assert "config.toml" in str(error.value)


def test_unknown_variables_are_warnings(sources: Path) -> None:
    (warning,) = read(sources, KG_GRAF="x", OTHER="y").warnings
    assert warning == "unknown setting KG_GRAF (environment) (did you mean KG_GRAPH?)"


def test_rows_mask_secrets_and_name_every_setting(sources: Path) -> None:
    rows = {row.name: row for row in read(sources, NEO4J_PASSWORD="s3cret").rows()}
    assert list(rows) == [setting.name for setting in SETTINGS]
    assert rows["NEO4J_PASSWORD"].value == "********"
    assert rows["KG_HOME"].value


def test_home_may_begin_at_the_user(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(sources))
    assert read(sources, KG_HOME="~/kg").home == sources / "kg"


def test_a_secret_may_stand_in_a_file(sources: Path) -> None:
    (sources / "password").write_text("quiet\n")
    (sources / "auth").write_text("someone/else/with a slash\n")
    assert read(sources, NEO4J_PASSWORD_FILE=str(sources / "password"))["NEO4J_PASSWORD"] == "quiet"
    token = read(sources, KG_API_TOKEN_FILE=str(sources / "password"))
    assert (token["KG_API_TOKEN"], token.warnings) == ("quiet", ())
    both = read(sources, NEO4J_AUTH_FILE=str(sources / "auth"))
    assert (both["NEO4J_USERNAME"], both["NEO4J_PASSWORD"]) == ("someone", "else/with a slash")
    assert read(sources, NEO4J_AUTH_FILE=str(sources / "auth"), NEO4J_PASSWORD="nearer")["NEO4J_PASSWORD"] == "nearer"
    assert "else" not in " ".join(row.value for row in both.rows())
    (sources / ".env").write_text(f"NEO4J_PASSWORD_FILE={sources / 'password'}\n")
    assert read(sources)["NEO4J_PASSWORD"] == "quiet"


@pytest.mark.parametrize(
    ("variable", "held", "said"),
    [
        ("NEO4J_AUTH_FILE", "password-alone", "one line like  neo4j/password"),
        ("NEO4J_PASSWORD_FILE", "", "must hold the secret in one line"),
        ("NEO4J_PASSWORD_FILE", "two\nlines", "must hold the secret in one line"),
        ("NEO4J_PASSWORD_FILE", None, "cannot be read (No such file"),
    ],
)
def test_a_file_without_a_secret_is_refused_without_showing_it(sources: Path, variable: str, held: str | None, said: str) -> None:
    file = sources / "secret"
    if held is not None:
        file.write_text(held)
    with pytest.raises(BadSetting) as refused:
        read(sources, **{variable: str(file)})
    assert said in str(refused.value)
    assert not held or held not in str(refused.value)
