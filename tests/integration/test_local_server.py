"""The life of the local server: one to a data folder, whoever starts it and however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from neo4j import Driver, GraphDatabase
from neo4j.exceptions import AuthError, ConstraintError, DatabaseError, DriverError, Neo4jError

from kgplatform.errors import BadName, KgError, MissingExtra, NotFound, StoreError, StoreUnreachable
from kgplatform.ports import Limits
from kgplatform.store import httpport, local, paging, server
from kgplatform.store.endpoint import Endpoint, meeting
from kgplatform.store.memory import MemoryStore
from kgplatform.types import FactQuery, Kind
from tests import servers
from tests.integration.crowd import claims_of

pytestmark = pytest.mark.slow
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals, modes and limits on Windows")
ROOT = Path(__file__).parents[2]
ENSURE = "import sys; from pathlib import Path; from kgplatform.store import server; print(server.ensure(Path(sys.argv[1])).pid)"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A data folder of its own; whatever serves it at the end is ended."""
    yield tmp_path / "data"
    with contextlib.suppress(KgError):
        server.stop(tmp_path / "data")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a server and a graph that tests only look at; who started it may open few files."""
    folder = tmp_path_factory.mktemp("quiet") / "data"
    pid = int(said(run(ENSURE, folder, before=f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (512, {most_files()})); ")))
    found = server.ensure(folder, idle=3600)
    assert found.pid == pid
    server.create_graph(found, "kg")
    yield folder
    server.stop(folder)


def most_files() -> int:
    """How many files a program may open here."""
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def run(code: str, *arguments: object, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", before + code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.strip()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def writer(endpoint: Endpoint) -> Driver:
    return GraphDatabase.driver(endpoint.bolt_uri, auth=(endpoint.user, endpoint.password))


def reader(endpoint: Endpoint) -> Driver:
    return GraphDatabase.driver(endpoint.bolt_uri, auth=(endpoint.reader, endpoint.reader_password))


def values(driver: Driver, graph: str, cypher: str) -> list[Any]:
    return [record[0] for record in driver.execute_query(cypher, database_=graph).records]


def serving(home: Path) -> set[int]:
    """The processes that serve a data folder."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "--idle" in (line := process.cmdline()) and str(home) in line:
                found.add(process.pid)
    return found


def gone(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


# -- one to a folder ---------------------------------------------------------------------------------


def test_eight_who_start_it_at_once_share_one_that_outlives_them(home: Path) -> None:
    starters = [run(ENSURE, home) for _ in range(8)]
    pids = {int(said(one)) for one in starters}
    assert pids == serving(home)
    assert len(pids) == 1
    found = server.ensure(home)
    assert {found.pid} == pids
    with writer(found) as driver:
        driver.verify_connectivity()


def test_eight_threads_that_start_it_at_once_share_one(home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert {one.pid for one in pool.map(server.ensure, [home] * 8)} == serving(home)


@posix
def test_it_belongs_to_a_session_of_its_own(quiet: Path) -> None:
    pid = server.ensure(quiet).pid
    assert os.getsid(pid) == pid != os.getsid(0)


def test_two_folders_have_two_servers(home: Path, tmp_path: Path) -> None:
    one = server.ensure(home)
    try:
        other = server.ensure(tmp_path / "other")
        assert one.pid != other.pid
        with pytest.raises(AuthError), GraphDatabase.driver(other.bolt_uri, auth=(one.user, one.password)) as driver:
            driver.verify_connectivity()
    finally:
        server.stop(tmp_path / "other")


def test_a_killed_server_comes_back_with_what_was_committed(home: Path) -> None:
    first = server.ensure(home)
    server.create_graph(first, "kg")
    with writer(first) as driver:
        driver.execute_query("UNWIND range(1, 500) AS i CREATE (:Entity {id: 'e' + i})", database_="kg")
    psutil.Process(first.pid).kill()
    wait_until(lambda: gone(first.pid))
    assert server.status(home) is None
    second = server.ensure(home)
    assert second.pid != first.pid
    with writer(second) as driver:
        assert values(driver, "kg", "MATCH (n:Entity) RETURN count(n)") == [500]


def test_a_server_killed_while_it_is_written_to_loses_and_doubles_nothing(home: Path) -> None:
    """A writer either goes on at the next server or ends with a sentence; either way what it was told of is there."""
    where, acknowledged = json.dumps({"home": str(home), "graph": "kg"}), -1
    for wait in (0.2, 0.5, 0.9):
        child = run("import runpy; runpy.run_module('tests.integration.writer', run_name='__main__')", where, "write", 0, 60)
        assert child.stdout
        assert child.stdout.readline() == "0\n"
        time.sleep(wait)
        psutil.Process(server.ensure(home).pid).kill()
        out, err = child.communicate(timeout=300)
        acknowledged = max([acknowledged, 0, *map(int, out.split())])
        assert child.returncode == 0 or "the graph server does not answer" in err or "broke off" in err
    with contextlib.closing(local.open_store(home, "kg")) as store:
        judge = MemoryStore()
        for round_ in range(acknowledged + 1):
            judge.put(claims_of(0, round_))
        held = {fact.key: {repr(one) for one in store.evidence(fact.key)} for fact in store.facts(FactQuery(status="all"))}
        for fact in judge.facts(FactQuery(status="all")):
            assert len(held[fact.key]) >= len(judge.evidence(fact.key))
        for round_ in range(60):
            for one in (store, judge):
                one.put(claims_of(0, round_))
        assert list(store.facts(FactQuery(status="all"))) == list(judge.facts(FactQuery(status="all")))


@posix
def test_a_starter_killed_midway_leaves_nothing_in_the_way(home: Path) -> None:
    starter = run(ENSURE, home)
    wait_until(lambda: meeting(home).folder.is_dir() and meeting(home).served())
    starter.kill()
    starter.communicate()
    found = server.ensure(home)
    assert serving(home) == {found.pid}


def test_the_address_of_a_server_that_died_fools_nobody(home: Path) -> None:
    """Its process number now belongs to another program: this one."""
    place = meeting(home)
    place.make()
    users = {"user": "root", "password": "p", "reader": "reader", "reader_password": "q"}
    marks = {"pid": os.getpid(), "created": 1_000_000_000.0, "command": ["python", "-m", "kgplatform.store.serve"]}
    place.publish({"bolt_uri": "bolt://127.0.0.1:9", "http_uri": "http://127.0.0.1:9"} | users | marks)
    assert server.status(home) is None
    assert not server.stop(home)
    assert server.ensure(home).pid != os.getpid()


def test_a_lost_address_is_put_down_again_and_a_lost_folder_ends_it(home: Path) -> None:
    import shutil

    first = server.ensure(home, idle=30)
    meeting(home).address.unlink()
    assert server.ensure(home) == first
    shutil.rmtree(home, ignore_errors=True)
    wait_until(lambda: gone(first.pid))
    assert not home.exists()


# -- its end -----------------------------------------------------------------------------------------


def test_stop_ends_it_which_is_a_sentence_and_the_next_start_has_everything(home: Path) -> None:
    first = server.ensure(home)
    server.create_graph(first, "kg")
    with writer(first) as driver:
        driver.execute_query("CREATE (:Entity {id: 'a'})", database_="kg")
    assert server.stop(home)
    assert gone(first.pid)
    assert server.status(home) is None
    assert not server.stop(home)
    for call in (server.graphs, lambda endpoint: server.create_graph(endpoint, "kg")):
        with pytest.raises(StoreUnreachable, match=r"the local graph server at http://127\.0\.0\.1:\d+ broke off"):
            call(first)
    second = server.ensure(home)
    assert server.graphs(second) == ["kg"]
    assert second.password != first.password
    with writer(second) as driver:
        assert values(driver, "kg", "MATCH (n:Entity) RETURN n.id") == ["a"]


def test_stop_where_there_never_was_one(home: Path) -> None:
    assert not server.stop(home)
    assert not home.exists()


def test_it_ends_by_itself_when_nobody_asks_for_it_or_is_connected_but_not_before(home: Path) -> None:
    found = server.ensure(home, idle=3)
    for _ in range(6):
        time.sleep(1)
        assert server.ensure(home) == found
    with writer(found) as driver:
        driver.verify_connectivity()
        time.sleep(6)
        assert server.status(home) == found
    wait_until(lambda: gone(found.pid))
    assert server.status(home) is None
    assert not meeting(home).address.exists()


@posix
def test_a_signal_ends_it_cleanly(home: Path) -> None:
    found = server.ensure(home)
    os.kill(found.pid, signal.SIGTERM)
    wait_until(lambda: gone(found.pid))
    assert not meeting(home).address.exists()
    assert not (meeting(home).folder / "crash.log").exists()


# -- secrets and limits ------------------------------------------------------------------------------


@posix
def test_nobody_else_on_the_machine_can_read_or_reach_it(quiet: Path) -> None:
    found = server.ensure(quiet)
    for path in [meeting(quiet).folder, *meeting(quiet).folder.rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    process = psutil.Process(found.pid)
    listening = [one.laddr.ip for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    assert len(listening) == 2
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    for secret in (found.password, found.reader_password):
        assert secret not in " ".join(process.cmdline())
        assert secret not in repr(found)
        assert not any(secret.encode() in log.read_bytes() for log in meeting(quiet).folder.rglob("*.log*") if log.is_file())


@posix
def test_it_may_open_as_many_files_as_the_system_lets_it(quiet: Path) -> None:
    if sys.platform == "linux":
        limits = Path(f"/proc/{server.ensure(quiet).pid}/limits").read_text()
        (soft,) = [line.split()[3] for line in limits.splitlines() if line.startswith("Max open files")]
        assert soft == str(most_files())


@posix
def test_too_few_file_handles_are_a_sentence(home: Path) -> None:
    few = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)); "
    out, err = run(ENSURE, home, before=few).communicate(timeout=120)
    assert not out
    assert "StoreError: a program may open 1024 files here, the local graph server needs 4096" in err
    assert not serving(home)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"the data folder .* cannot be used \(.*\): make it writable, or set KG_HOME"):
        server.ensure(tmp_path / "file" / "data")
    if sys.platform != "win32" and os.geteuid():
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(StoreError, match="Permission denied"):
            server.ensure(tmp_path / "closed" / "data")


def test_a_full_disk_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12, 199_000_000))
    with pytest.raises(StoreError, match=r"the disk of .* is full: the local graph server needs 200 MB free"):
        server.ensure(home)
    assert not serving(home)


def test_a_disk_that_is_full_is_named_where_a_commit_fails(local_graph: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    def fails(tx: object) -> None:
        raise DatabaseError("Transaction error on commit")

    store = local.open_store(servers.local_home(), local_graph)
    with pytest.raises(StoreError, match="failed"):
        store._connection.writing(fails)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12, 199_000_000))
    with pytest.raises(StoreError, match=r"the disk of .* is full: .* make room, or set KG_HOME"):
        store._connection.writing(fails)
    store.close()


@pytest.mark.parametrize(
    ("system", "machine", "library", "kind", "words"),
    [
        ("Linux", "x86_64", ("glibc", "2.36"), MissingExtra, "pip install 'kgplatform[local]'"),
        ("Linux", "x86_64", ("glibc", "2.31"), StoreError, "set NEO4J_URI"),
        ("Linux", "x86_64", ("", ""), StoreError, "set NEO4J_URI"),
        ("Darwin", "arm64", ("", ""), MissingExtra, "pip install 'kgplatform[local]'"),
        ("Darwin", "x86_64", ("", ""), StoreError, "set NEO4J_URI"),
        ("FreeBSD", "amd64", ("", ""), StoreError, "set NEO4J_URI"),
    ],
)
def test_without_arcadedb_the_sentence_fits_the_machine(
    home: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str, library: tuple[str, str], kind: type[KgError], words: str
) -> None:
    import importlib.util
    import platform

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    with pytest.raises(kind) as raised:
        server.ensure(home)
    assert words in str(raised.value)
    assert not home.exists()


def test_a_graph_that_another_program_has_open_is_a_sentence(home: Path) -> None:
    server.create_graph(server.ensure(home), "kg")
    server.stop(home)
    opened = "import sys, arcadedb_embedded as a; d = a.open_database(sys.argv[1], jvm_kwargs={'heap_size': '128m'})"
    folder = meeting(home).data / "databases" / "kg"
    command = [sys.executable, "-c", f"{opened}; print(1, flush=True); input()", str(folder)]
    with subprocess.Popen(command, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as other:
        assert other.stdout
        wait_until(lambda: other.stdout and b"1" in other.stdout.readline())
        with pytest.raises(StoreError, match=r"another program has a graph in .* open: end it, then try again"):
            server.ensure(home)
        other.kill()
    assert server.graphs(server.ensure(home)) == ["kg"]


def test_a_server_that_dies_at_its_start_names_its_log(home: Path) -> None:
    place = meeting(home)
    place.make()
    place.data.write_text("in the way")
    with pytest.raises(StoreError) as raised:
        server.ensure(home)
    assert str(place.log) in str(raised.value)
    assert "NotADirectoryError" in place.log.read_text() or "FileExistsError" in place.log.read_text()


# -- graphs ------------------------------------------------------------------------------------------


def test_eight_who_make_one_graph_at_once_all_succeed(local_endpoint: Endpoint) -> None:
    name = f"race{os.getpid()}"
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: server.create_graph(local_endpoint, name), range(8)))
        assert server.graphs(local_endpoint).count(name) == 1
        with writer(local_endpoint) as driver, pytest.raises(ConstraintError):
            driver.execute_query("CREATE (:Entity {id: 'a'}), (:Entity {id: 'a'})", database_=name)
    finally:
        server.drop_graph(local_endpoint, name)


def test_two_graphs_do_not_see_each_other(local_endpoint: Endpoint, local_graph: str) -> None:
    other = f"other{os.getpid()}"
    server.create_graph(local_endpoint, other)
    try:
        with writer(local_endpoint) as driver:
            driver.execute_query("CREATE (:Entity {id: 'here'})", database_=local_graph)
            assert values(driver, other, "MATCH (n) RETURN n.id") == []
            server.create_graph(local_endpoint, local_graph)
            assert values(driver, local_graph, "MATCH (n:Entity) RETURN n.id") == ["here"]
    finally:
        server.drop_graph(local_endpoint, other)
    assert other not in server.graphs(local_endpoint)
    with pytest.raises(NotFound, match=other):
        server.drop_graph(local_endpoint, other)


@pytest.mark.parametrize("name", ["", "1a", "a b", "a;b", "../a", "ä", "a" * 61, "a`", "kg\n"])
def test_names_that_are_no_names_for_a_graph(local_endpoint: Endpoint, name: str) -> None:
    with pytest.raises(BadName):
        server.create_graph(local_endpoint, name)


def test_graphs_are_found_in_full_text(local_endpoint: Endpoint, local_graph: str) -> None:
    with writer(local_endpoint) as driver:
        driver.execute_query("CREATE (:Entity {id: 'a', name: 'Marie Curie', aliases_text: 'Sklodowska'})", database_=local_graph)
        for word in ("curie", "sklodowska"):
            found = f"CALL db.index.fulltext.queryNodes('Entity[name,aliases_text]', '{word}') YIELD node RETURN node.id"
            assert values(driver, local_graph, found) == ["a"]


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_an_open_graph_goes_on_when_its_server_was_started_anew(home: Path, how: str) -> None:
    with contextlib.closing(local.open_store(home, "kg")) as store:
        store.learn(kinds=[Kind("moon", description="a body that circles a planet")])
        first = server.ensure(home)
        if how == "stopped":
            server.stop(home)
        else:
            psutil.Process(first.pid).kill()
            wait_until(lambda: gone(first.pid))
        assert list(store.kinds()) == ["moon"]
        assert store.read("RETURN 1 AS one", {}, Limits()).rows == ((1,),)
        assert server.ensure(home).pid != first.pid


def test_facts_that_are_being_read_are_read_on_when_the_server_is_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 5)
    with contextlib.closing(local.open_store(home, "kg")) as store:
        claims = [claim for round_ in range(3) for claim in claims_of(0, round_)]
        judge = MemoryStore()
        for one in (store, judge):
            one.put(claims)
        wanted = list(judge.facts(FactQuery(status="all")))
        reading = iter(store.facts(FactQuery(status="all")))
        begun = [next(reading)]
        first = server.ensure(home)
        psutil.Process(first.pid).kill()
        wait_until(lambda: gone(first.pid))
        assert begun + list(reading) == wanted
        assert server.ensure(home).pid != first.pid


def test_a_proxy_for_the_web_is_not_asked(local_endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert isinstance(server.graphs(local_endpoint), list)


# -- the reader --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(local_endpoint: Endpoint) -> Iterator[str]:
    """A graph of two entities and a fact, for reading only."""
    name = f"filled{os.getpid()}"
    server.create_graph(local_endpoint, name)
    with writer(local_endpoint) as driver:
        driver.execute_query("CREATE (:Entity:City {id: 'a', name: 'Ann'})-[:KNOWS {key: 'k'}]->(:Entity {id: 'b'})", database_=name)
    yield name
    server.drop_graph(local_endpoint, name)


def contents(endpoint: Endpoint, graph: str) -> list[Any]:
    with writer(endpoint) as driver:
        nodes = values(driver, graph, "MATCH (n) RETURN [n.id, n.name, labels(n), keys(n)] AS node ORDER BY node[0]")
        return nodes + values(driver, graph, "MATCH (a)-[r]->(b) RETURN [a.id, type(r), r.key, b.id] AS fact ORDER BY fact[0]")


def test_the_reader_reads(local_endpoint: Endpoint, filled: str) -> None:
    with reader(local_endpoint) as driver:
        assert values(driver, filled, "MATCH (:City)-[:KNOWS]->(n) RETURN n.id") == ["b"]


@pytest.mark.parametrize(
    "cypher",
    [
        "CREATE (:Entity {id: 'c'})",
        "MERGE (:Entity {id: 'c'})",
        "CREATE (:Unheard {id: 'c'})",
        "MATCH (n:Entity) SET n.name = 'Eve'",
        "MATCH (n:Entity) SET n:Unheard",
        "MATCH (n:Entity) REMOVE n.name",
        "MATCH ()-[r:KNOWS]->() SET r.key = 'x'",
        "MATCH ()-[r:KNOWS]->() DELETE r",
        "MATCH (n:Entity) DETACH DELETE n",
        "MATCH (a:Entity {id: 'a'}), (b:Entity {id: 'b'}) CREATE (b)-[:KNOWS]->(a)",
        "MATCH (a:Entity {id: 'a'}), (b:Entity {id: 'b'}) CREATE (b)-[:UNHEARD]->(a)",
        "UNWIND [1] AS x CALL { CREATE (n:Entity {id: 's'}) RETURN n } IN TRANSACTIONS RETURN n",
        "CALL merge.node(['Entity'], {id: 'c'}, {}, {}) YIELD node RETURN node",
        "MATCH (a:Entity {id: 'a'}), (b:Entity {id: 'b'}) CALL apoc.refactor.mergeNodes([a, b]) YIELD node RETURN node",
        "CALL apoc.do.when(true, 'CREATE (n:Entity {id: \"q\"}) RETURN n', 'RETURN 1', {}) YIELD value RETURN value",
        "CREATE INDEX FOR (n:Entity) ON (n.other)",
        "CREATE CONSTRAINT FOR (n:Entity) REQUIRE n.other IS UNIQUE",
        "CREATE USER eve SET PASSWORD 'evilevilevil'",
        "SHOW USERS",
        "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
        "LOAD CSV FROM '/etc/passwd' AS line RETURN line",
        "LOAD CSV FROM 'http://127.0.0.1:9/' AS line RETURN line",
    ],
)
def test_the_reader_cannot_write_nor_reach_outside(local_endpoint: Endpoint, filled: str, cypher: str) -> None:
    before = contents(local_endpoint, filled)
    with reader(local_endpoint) as driver, pytest.raises(Neo4jError) as raised:
        driver.execute_query(cypher, database_=filled)
    assert raised.value.code == "Neo.ClientError.Security.Forbidden"
    assert contents(local_endpoint, filled) == before


def test_not_even_the_writer_reads_files_through_the_server(local_endpoint: Endpoint, filled: str) -> None:
    with writer(local_endpoint) as driver:
        for place in ("file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:9/"):
            with pytest.raises(Neo4jError, match="disabled"):
                driver.execute_query(f"LOAD CSV FROM '{place}' AS line RETURN line", database_=filled)


def test_every_graph_has_a_time_limit_and_survives_loss_of_power(local_endpoint: Endpoint, local_graph: str) -> None:
    """Waiting a minute for the one and pulling the plug for the other would be the better test."""
    asked = {"language": "sql", "command": "SELECT settings FROM schema:database"}
    code, answer = httpport.call(local_endpoint, f"command/{local_graph}", asked)
    settings = {one["key"]: one["value"] for one in answer["result"][0]["settings"]}
    assert code == 200
    assert settings["arcadedb.command.timeout"] == 60_000
    assert settings["arcadedb.txWalFlush"] == 1


def test_a_wrong_query_is_explained(local_endpoint: Endpoint, filled: str) -> None:
    with reader(local_endpoint) as driver, pytest.raises(Neo4jError, match="wher"):
        driver.execute_query("MATCH (n) wher n.id = 1 RETURN n", database_=filled)


def test_results_nobody_reads_on_stop_nobody_else(local_endpoint: Endpoint, filled: str) -> None:
    with writer(local_endpoint) as driver, contextlib.ExitStack() as stack:
        for _ in range(40):
            session = stack.enter_context(driver.session(database=filled, fetch_size=1))
            next(iter(session.run("MATCH (n:Entity) RETURN n.id")))
        assert values(driver, filled, "MATCH (n:Entity) RETURN count(n)") == [2]


def test_queries_that_eat_all_memory_are_told_so_and_by_nobody_else(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, doubling = local.open_store(home, "kg"), "RETURN reduce(s = 'a', x IN range(1, 40) | s + s) AS n"
    for _ in range(6):
        with reader(server.ensure(home)) as driver, driver.session(database="kg") as session, pytest.raises((DriverError, Neo4jError)):
            session.run(doubling).consume()
    caplog.clear()
    with pytest.raises(StoreUnreachable, match="more memory than the server has; narrow the query"):
        store.read(doubling, {}, Limits())
    assert store.read("RETURN 1 AS n", {}, Limits()).rows == ((1,),)
    psutil.Process(server.ensure(home).pid).kill()
    store.put(claims_of(0, 5))
    assert store.count(FactQuery(status="all"))
    store.close()
    assert [record for record in caplog.records if record.name.startswith("neo4j")] == []
