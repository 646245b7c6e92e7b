"""A harvest whose chat model answers over the network: it is busy, its budget ends, and nothing is lost, asked twice or paid twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kgplatform.graph import KnowledgeGraph
from kgplatform.store.memory import MemoryStore
from tests.contract.chat_endpoint import KEY, Endpoint, endpoint
from tests.integration import nightly
from ui.cli.main import main

pytest.importorskip("langchain_openai")

COMMAND = ["harvest", "relation", "capital.yaml", "--proposer", "openai:gpt-nine", "--run", "night", "--json", "--quiet"]
LISTED = nightly.CAPITALS[5:]


def lists(body: dict[str, Any]) -> str:
    """Five capitals at a time, those that the request does not say are known; no other wordings, no bare names."""
    title = body["response_format"]["json_schema"]["schema"]["title"]
    if title == "paraphrases":
        return '{"sentences": []}'
    if title == "names":
        return '{"names": []}'
    asked = body["messages"][-1]["content"]
    new = [pair for pair in LISTED if f"{pair[0]} – {pair[1]}" not in asked][:5]
    return json.dumps({"facts": [{"city": head, "country": tail} for head, tail in new]})


@pytest.fixture
def there() -> Iterator[Endpoint]:
    with endpoint() as made:
        made.reply = lists
        yield made


@pytest.fixture
def graph(there: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KnowledgeGraph:
    made = KnowledgeGraph(MemoryStore())
    nightly.models(monkeypatch.setattr)
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: made)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", there.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    seeds = json.dumps(nightly.CAPITALS[:5])
    prompts = "['{head} is the capital of {tail}', 'the capital {head} lies in {tail}']"
    Path("capital.yaml").write_text(
        f"name: capital of\ndomain: city\nrange: country\nfunctional: true\nprompts: {prompts}\nseeds: {seeds}\n"
    )
    return made


def found(graph: KnowledgeGraph) -> set[tuple[str, str]]:
    return {(fact.head.name, getattr(fact.tail, "name", "")) for fact in graph.facts(relation="capital of", status="all")}


def asked(there: Endpoint) -> Counter[str]:
    """How often each question was answered."""
    return Counter(json.dumps(body["messages"]) + str(body.get("seed")) + str(body.get("temperature")) for body in there.seen)


def run(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main([*COMMAND, *more]) == 0
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return dict(json.loads(said.out))


def test_a_busy_model_is_waited_for_and_nothing_is_lost(there: Endpoint, graph: KnowledgeGraph, capsys: pytest.CaptureFixture[str]) -> None:
    there.first, there.retry_after = ["well", "busy", "busy", "well", "busy"], "0.01"
    result = run(capsys)
    assert found(graph) >= set(LISTED)
    assert not there.first
    assert KEY not in json.dumps(result)
    answered = len(there.seen)
    again = run(capsys)
    assert again["new"] == 0
    assert len(there.seen) == answered  # what was answered is not asked again


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_who_waits_hears_at_once_that_a_model_is_asked_again(
    there: Endpoint, graph: KnowledgeGraph, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    heard: list[str] = []

    def late(body: dict[str, Any]) -> str:
        heard.append(capsys.readouterr().err)
        return lists(body)

    there.reply, there.first = late, ["down"]
    assert main([*COMMAND[:-2], *options]) == 0
    told = [line for line in "".join(heard[:1]).splitlines() if "asking again in" in line]
    if options:
        assert told == []
    else:
        (line,) = told
        assert line.startswith(f"kg: openai:gpt-nine at {there.address} is in trouble (status 500: the engine is overloaded")
        assert line.endswith(" s, attempt 2 of 6")


def test_a_budget_that_ends_in_the_middle_is_gone_on_with(
    there: Endpoint, graph: KnowledgeGraph, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KG_BUDGET_TOKENS", "3000")
    stopped = run(capsys)
    some = found(graph)
    assert "KG_BUDGET_TOKENS" in json.dumps(stopped["notes"])
    assert set() < some & set(LISTED) < set(LISTED)
    monkeypatch.setenv("KG_BUDGET_TOKENS", "1000000")
    run(capsys)
    assert found(graph) >= some | set(LISTED)
    assert max(asked(there).values()) == 1  # nothing is paid for twice
