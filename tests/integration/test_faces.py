"""``kg api``, ``kg mcp`` and LangChain on real servers: as programs start them, speak to them, and go away."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from neo4j import GraphDatabase

from kgplatform.errors import BadQuery, WriteRefused
from kgplatform.graph import KnowledgeGraph
from kgplatform.store.bolt import BoltStore
from kgplatform.store.local import Local
from tests import servers
from tests.apart import apart
from tests.ui import world
from ui.langchain import Graph, tools

ROOT = Path(__file__).parents[2]
KG = (sys.executable, "-P", "-m", "ui.cli.main")
TOKEN = "a-token-of-this-test"
ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b UNWIND range(1, 1000) AS c RETURN sum(a * b % (c + 7)) AS n"


@pytest.fixture
def kg(local_graph: str) -> Iterator[KnowledgeGraph]:
    with KnowledgeGraph(BoltStore(Local(servers.local_home(), local_graph))) as made:
        world.fill(made)
        yield made


@pytest.fixture
def here(kg: KnowledgeGraph, local_graph: str) -> dict[str, str]:
    return {"KG_HOME": str(servers.local_home()), "KG_GRAPH": local_graph, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """That of the tests without their own variables, which are no settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KG_TEST_")} | dict(settings)


@contextlib.contextmanager
def served(settings: Mapping[str, str], *command: str) -> Iterator[tuple[int, Callable[[], str]]]:
    """The port at which a command serves, and all that it has written when it was stopped by Ctrl-C."""
    process = subprocess.Popen([*KG, *command], env=_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    first = process.stdout.readline()

    def stopped() -> str:
        process.send_signal(signal.SIGINT)
        return first + process.communicate()[0]

    try:
        port = re.search(r":(\d+)  \(stop it", first)
        assert port, first
        yield int(port[1]), stopped
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def ask(port: int, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.closing(connection):
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_program_asks_over_http_and_writes_nothing(here: dict[str, str], kg: KnowledgeGraph) -> None:
    before = len(kg.facts(status="all"))
    with served(here, "api", "--port", "0") as (port, stopped):
        status, found = ask(port, "GET", "/v1/search?text=curie")
        assert status == 200 and {"Marie Curie", "Pierre Curie"} <= {one["name"] for one in found["entities"]}
        query = "MATCH (e:Element)-[:DISCOVERED_BY]->(p {name: $who}) RETURN e.name AS name, e.atomic_number AS number ORDER BY number"
        status, rows = ask(port, "POST", "/v1/cypher", {"query": query, "parameters": {"who": "Marie Curie"}, "limit": 1})
        assert (status, rows) == (200, {"columns": ["name", "number"], "rows": [{"name": "Polonium", "number": 84}], "complete": False})
        status, refused = ask(port, "POST", "/v1/cypher", {"query": "MATCH (n) DETACH DELETE n"})
        assert status == 403 and "nothing was changed" in refused["detail"]
        status, refused = ask(port, "GET", "/v1/schema", host="evil.example")
        assert status == 421
        assert stopped().count("\n") == 2  # where it is, and that it was interrupted: nothing of what was asked
    assert len(kg.facts(status="all")) == before


def test_other_machines_need_a_token_which_is_told_nowhere(here: dict[str, str], tmp_path: Path) -> None:
    refused = subprocess.run([*KG, "api", "--host", "0.0.0.0"], env=_environment(here), capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "") and "set KG_API_TOKEN" in refused.stderr and refused.stderr.count("\n") == 1
    (secret := tmp_path / "token").write_text(f"{TOKEN}\n")
    given = here | {"KG_API_TOKEN_FILE": str(secret)}  # as in docker/compose.yaml
    _, _, script = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["services"]["api"]["healthcheck"]["test"][1:]
    with served(given, "api", "--host", "0.0.0.0", "--port", "0") as (port, stopped):
        for token, healthy in ((secret, True), (ROOT / "LICENSE", False)):
            look = [sys.executable, "-c", script.replace("8600", str(port))]
            done = subprocess.run(look, env=_environment(given | {"KG_API_TOKEN_FILE": str(token)}), capture_output=True, check=False)
            assert (done.returncode == 0) == healthy
        assert ask(port, "GET", "/v1/schema")[0] == 401
        assert ask(port, "GET", "/v1/schema", authorization=f"Bearer {TOKEN}")[0] == 200
        assert TOKEN not in stopped()


def test_a_language_models_program_starts_it_and_speaks_over_its_standard_streams(here: dict[str, str]) -> None:
    async def speak() -> None:
        started = StdioServerParameters(command=KG[0], args=[*KG[1:], "mcp"], env=_environment(here))
        async with Client(stdio_client(started)) as client:
            assert "cypher" in {tool.name for tool in (await client.list_tools()).tools}
            found = await client.call_tool("explain", {"fact": "Marie Curie | born in | Warsaw"})
            assert found.structured_content and world.QUOTE in {piece["quote"] for piece in found.structured_content["evidence"]}
            rows = await client.call_tool("cypher", {"query": "MATCH (n:Entity {name: 'Radium'}) RETURN n"})
            assert rows.structured_content and rows.structured_content["rows"][0]["n"]["properties"]["atomic_number"] == 88
            refused = await client.call_tool("cypher", {"query": "CREATE (n)"})
            assert refused.is_error and "only reading" in str(refused.content)

    apart(speak)


def test_it_speaks_over_http_to_who_has_the_token(here: dict[str, str]) -> None:
    async def speak(port: int) -> None:
        url = f"http://127.0.0.1:{port}/mcp"
        bearer = httpx2.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"})
        async with bearer as http, Client(streamable_http_client(url, http_client=http)) as client:
            found = await client.call_tool("search", {"text": "radium", "limit": 1})
            assert found.structured_content and found.structured_content["entities"][0]["name"] == "Radium"
        async with httpx2.AsyncClient() as http:
            assert (await http.post(url, json={})).status_code == 401
            rebound = {"authorization": f"Bearer {TOKEN}", "host": "evil.example"}
            assert (await http.post(url, json={}, headers=rebound)).status_code == 421

    with served(here | {"KG_API_TOKEN": TOKEN}, "mcp", "--http", "--port", "0") as (port, stopped):
        apart(speak, port)
        assert TOKEN not in stopped()


def test_a_client_that_goes_away_takes_its_query_with_it(neo4j_alone: servers.Neo4jServer) -> None:
    login = (neo4j_alone.user, neo4j_alone.password)
    settings = {"NEO4J_URI": neo4j_alone.uri, "NEO4J_PASSWORD": neo4j_alone.password, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
    with GraphDatabase.driver(neo4j_alone.uri, auth=login) as driver, served(settings, "api", "--port", "0") as (port, _):

        def runs() -> bool:
            shown = driver.execute_query("SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery = $query RETURN 1", query=ENDLESS)
            return bool(shown.records)

        body = json.dumps({"query": ENDLESS, "seconds": 120}).encode()
        head = f"POST /v1/cypher HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head.encode() + body)
            _wait_until(runs)
        _wait_until(lambda: not runs())
        assert ask(port, "POST", "/v1/cypher", {"query": "RETURN 1 AS n"})[1]["rows"] == [{"n": 1}]


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100  # less than the query may run
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_chain_writes_cypher_by_the_schema_and_answers_from_the_rows(kg: KnowledgeGraph) -> None:
    graph = Graph(kg)
    assert "(:Element)-[:DISCOVERED_BY]->(:Person)" in graph.get_schema
    assert {"property": "atomic_number", "type": "INTEGER"} in graph.get_structured_schema["node_props"]["Element"]
    said = ["MATCH (e:Element)-[:DISCOVERED_BY]->(:Person {name: 'Marie Curie'}) RETURN e.name AS name, e.atomic_number AS number", "Two."]
    model = FakeListChatModel(responses=said)
    write = PromptTemplate.from_template("{schema}\nCypher for: {question}") | model | StrOutputParser()
    cypher = write.invoke({"schema": graph.get_schema, "question": "What did Marie Curie discover?"})
    rows = graph.query(cypher)
    assert sorted((row["name"], row["number"]) for row in rows) == [("Polonium", 84), ("Radium", 88)]
    tell = PromptTemplate.from_template("{rows}") | model | StrOutputParser()
    assert tell.invoke({"rows": rows}) == "Two."
    assert graph.query("MATCH (p:Person {name: $name}) RETURN p.born_on AS day", {"name": "Marie Curie"}) == [{"day": "1867-11-07"}]
    with pytest.raises(WriteRefused):
        graph.query("CREATE (:Person {name: 'Nobody'})")
    with pytest.raises(BadQuery):
        graph.query("MATCH (")
    assert "nothing was changed" in {tool.name: tool for tool in tools(kg)}["cypher"].invoke({"query": "MATCH (n) DETACH DELETE n"})
