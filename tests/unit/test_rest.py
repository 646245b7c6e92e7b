"""What a program gets from ``kg api``: pages of facts, evidence, answers, and one sentence for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from starlette.testclient import TestClient

from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.opening import connect
from tests.ui import world
from ui.asking.asking import Asking
from ui.asking.door import Door
from ui.rest import PROBLEM, app


def filled() -> KnowledgeGraph:
    kg = connect("memory")
    world.fill(kg)
    return kg


def client(kg: KnowledgeGraph, host: str = "127.0.0.1", token: str = "", home: Path | None = None) -> TestClient:
    within = Door(app(Asking(kg, HashingEncoder), home), host, token)
    return TestClient(within, base_url="http://localhost:8600", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def kg() -> KnowledgeGraph:
    return filled()


@pytest.fixture
def rest(kg: KnowledgeGraph) -> TestClient:
    return client(kg)


def test_what_is_asked_by_name_comes_with_its_evidence(rest: TestClient) -> None:
    found = rest.get("/v1/search", params={"text": "mari curie", "limit": 1}).json()
    assert [one["name"] for one in found["entities"]] == ["Marie Curie"]
    assert rest.get("/v1/entity", params={"entity": "Maria Skłodowska"}).json()["id"] == "person:marie_curie"
    around = rest.get("/v1/neighbours", params={"entity": "Warsaw", "min_confidence": 0.9}).json()
    assert ("Warsaw", "capital of", "Poland") in {(f["head"]["name"], f["relation"], f["tail"].get("name")) for f in around["facts"]}
    why = rest.get("/v1/explain", params={"fact": "Marie Curie | born in | Warsaw"}).json()
    assert world.QUOTE in {piece["quote"] for piece in why["evidence"]}
    assert [one["tail"]["name"] for one in why["conflicts"]] == ["Paris"]
    (path, *_) = rest.get("/v1/paths", params={"start": "radium", "end": "Poland", "k": 2}).json()["paths"]
    assert [step["fact"]["relation"] for step in path["steps"]] == ["discovered by", "born in", "capital of"]


def test_facts_come_page_by_page_and_as_a_stream(rest: TestClient) -> None:
    whole = [fact["key"] for fact in map(json.loads, rest.get("/v1/facts/stream", params={"status": "all"}).text.splitlines())]
    pages, after = [], None
    while True:
        page = rest.get("/v1/facts", params={"status": "all", "limit": 7, **({"after": after} if after else {})}).json()
        pages += [fact["key"] for fact in page["facts"]]
        if not (after := page["next"]):
            break
    assert pages == whole and len(whole) == len(world.claims())
    of_marie = rest.get("/v1/facts", params={"head": "Marie Curie", "relation": "born in", "as_of": "1900"}).json()
    assert {fact["tail"]["name"] for fact in of_marie["facts"]} == {"Warsaw", "Paris"} and of_marie["next"] is None


def test_a_question_is_answered_by_walks_or_by_an_honest_no(rest: TestClient) -> None:
    said = rest.post("/v1/ask", json={"question": "Where was Marie Curie born?"}).json()
    assert said["supported"] and {"Warsaw", "Paris"} >= {one["name"] for one in said["entities"]} > set()
    assert said["walks"][0][0]["fact"]["relation"] == "born in"
    said = rest.post("/v1/ask", json={"question": "Where was Marie Kury buried?"}).json()
    assert not said["supported"] and said["answer"]


def test_the_schema_says_what_is_joined_and_how_cypher_calls_it(rest: TestClient) -> None:
    told = rest.get("/v1/schema").json()
    born = next(one for one in told["relations"] if one["name"] == "born on")
    assert (born["property"], born["functional"], born["joins"]) == ("born_on", False, [{"head": "person", "tail": "date", "facts": 1}])
    assert {"name": "award", "label": "Award", "is_a": "", "description": ""} in told["kinds"]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ("entity?entity=Mari+Curie", 404, "near it: Marie Curie"),
        ("entity", 422, "entity is missing"),
        ("search?text=x&limit=1000", 422, "limit must be at most 100"),
        ("search?text=x&colour=red", 422, "colour is no argument of this"),
        ("search?text=", 422, "text must not be empty"),
        ("search?text=x&meaning=perhaps", 422, "meaning must be true or false"),
        ("facts?as_of=long+ago", 422, "as_of must be a date, written as 1990, 1990-05 or 1990-05-17"),
        ("facts?after=behind", 404, "is not the key of a fact"),
        ("facts?as_of=1990-13-40", 400, "is no date"),
        ("facts/stream?tail=Atlantis", 404, "Atlantis"),
        ("facts?relation=borne+in", 404, "no relation 'borne in'; near it: born in"),
        ("facts/stream?source=doc:nobody", 404, "no source 'doc:nobody'"),
        ("paths?start=Warsaw", 400, "say where paths should end"),
        ("explain?fact=Warsaw+|+loves+|+Paris", 404, "does not hold"),
        ("nothing", 404, "nothing is at /v1/nothing"),
        ("ask", 405, "GET is not for this"),
    ],
)
def test_what_is_wrong_is_a_problem_with_one_sentence(rest: TestClient, asked: str, status: int, words: str) -> None:
    answer = rest.get(f"/v1/{asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.json()["status"] == status and words in answer.json()["detail"]


def test_a_graph_in_memory_says_that_it_has_no_cypher(rest: TestClient) -> None:
    answer = rest.post("/v1/cypher", json={"query": "RETURN 1"})
    assert answer.status_code == 400 and "no Cypher" in answer.json()["detail"]
    for content, kind, words in (
        ("{", "application/json", "the body is no JSON: "),
        ("[]", "application/json", "the body must be a JSON object"),
        ("{}", "application/json", "query is missing"),
        ('{"query": 3}', "application/json", "query must be a string"),
        ('{"query": "RETURN 1", "limit": "5"}', "application/json", "limit must be a whole number"),
        ('{"query": "RETURN 1"}', "text/plain", "Content-Type: application/json"),
    ):
        broken = rest.post("/v1/cypher", content=content, headers={"Content-Type": kind})
        assert broken.status_code == 422 and words in broken.json()["detail"]


def test_what_nobody_foresaw_is_a_sentence_and_a_file(tmp_path: Path) -> None:
    kg = filled()
    kg.store.search = None  # type: ignore[method-assign, assignment]
    answer = client(kg, home=tmp_path).get("/v1/search", params={"text": "curie"})
    assert answer.status_code == 500 and "something unexpected went wrong" in answer.json()["detail"]
    (log,) = (tmp_path / "logs").iterdir()
    assert "Traceback" in log.read_text()


# -- who may come in ---------------------------------------------------------------------------------


def test_on_loopback_only_this_machine_by_its_own_name(kg: KnowledgeGraph) -> None:
    for host, origin, status in (
        ("localhost:8600", "", 200),
        ("127.0.0.1", "", 200),
        ("[::1]:8600", "http://localhost:3000", 200),
        ("evil.example:8600", "", 421),
        ("localhost.evil.example", "", 421),
        ("", "", 421),
        ("localhost:8600", "https://evil.example", 403),
        ("localhost:8600", "null", 403),
    ):
        answer = client(kg).get("/v1/schema", headers={"host": host, **({"origin": origin} if origin else {})})
        assert answer.status_code == status, (host, origin)
        assert answer.headers["content-type"] == ("application/json" if status == 200 else PROBLEM)


def test_who_has_a_token_asks_by_it_from_anywhere(kg: KnowledgeGraph) -> None:
    for host in ("0.0.0.0", "127.0.0.1"):
        guarded = client(kg, host, "s3cret")
        for sent in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic s3cret"}, {"authorization": "Bearer "}):
            answer = guarded.get("/v1/schema", headers=sent)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert "s3cret" not in answer.text
        assert guarded.get("/v1/schema", params={"token": "s3cret"}).status_code == 401
        assert guarded.get("/v1/schema", headers={"authorization": "Bearer s3cret"}).status_code == 200
    elsewhere = client(kg, "0.0.0.0", "s3cret").get("/v1/schema", headers={"host": "kg.example", "authorization": "bearer s3cret"})
    assert elsewhere.status_code == 200


# -- the description ---------------------------------------------------------------------------------

CONFIG = schemathesis.Config.from_dict({"generation": {"deterministic": True, "database": "none"}})
SCHEMA = schemathesis.openapi.from_asgi("/v1/openapi.json", app(Asking(filled(), HashingEncoder)), config=CONFIG)
CHECKS = [
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


@SCHEMA.parametrize()
@hypothesis.settings(max_examples=12, derandomize=True, database=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_it_does_what_its_description_says(case: schemathesis.Case[Any]) -> None:
    answer = case.call_and_validate(checks=CHECKS)
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
