"""A restore that is killed leaves a graph that says so, and is repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kgplatform.belief import Calibration
from kgplatform.errors import BadRequest, StoreUnsuitable
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store import backup
from kgplatform.store.bolt import BoltStore
from kgplatform.store.restoring import Restorer
from kgplatform.types import Relation, Source, SourceId
from tests.integration.crowd import Where, open_again
from tests.integration.test_imports import held, said

ROOT = Path(__file__).parents[2]
MANY = 300
RESTORE = """
import json, sys
from pathlib import Path
from kgplatform.store import backup
from kgplatform.store.restoring import Restorer
from tests.integration.crowd import open_again

backup.PAGE = 25
put = Restorer._restore

def told(self, tx, lines):
    put(self, tx, lines)
    print(len(lines), flush=True)

Restorer._restore = told
open_again(json.loads(sys.argv[1]), restoring=True).restore(Path(sys.argv[2]))
"""


def back_up(where: Where, path: Path, many: int) -> tuple[object, ...]:
    """A backup of a graph with so many claims, what it holds, and an empty graph again."""
    store = open_again(where)
    with KnowledgeGraph(store) as kg:
        kg.learn([Relation("relation 0", symmetric=True)] if many < MANY else [])
        kg.put(said(many))
        kg.add_document(Source(SourceId("doc:1"), "document"), f"A text of {many} words.")
        kg.merge(entity_id("person", "Person 1"), entity_id("person", "Person 2"))
        kg.publish(Calibration("2", Calibration().prior + 100 * many))
        store.backup(path)
        whole = shown(store)
        empty(store)
    return whole


def empty(store: BoltStore) -> None:
    store._connection.writing(lambda tx: tx.run("MATCH (n) WHERE NOT n:KgMeta DETACH DELETE n").consume())
    store._connection.writing(lambda tx: tx.run("MATCH (n:KgMeta) SET n.calibration = null, n.revision = null").consume())


def shown(store: BoltStore) -> tuple[object, ...]:
    nodes = store._connection.rows("MATCH (n) UNWIND labels(n) AS label RETURN label, count(*) AS n ORDER BY label")
    left = [(row["label"], row["n"]) for row in nodes if row["label"] not in ("KgMeta", "KgBatch", "KgSweep")]
    return held(store), left, store.merges(), store.relations(), store.calibration, [one.source.id for one in store.documents()]


def kill(where: Where, path: Path, batches: int) -> None:
    """Restore in another process, and kill that after so many batches."""
    command = [sys.executable, "-c", RESTORE, json.dumps(where), str(path)]
    child = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    for _ in range(batches):
        assert child.stdout.readline()
    child.kill()
    child.communicate()


@pytest.mark.parametrize(("where", "batches"), [("local", 12), ("neo4j", 3)], indirect=["where"])
def test_a_restore_that_is_killed_is_repeated_with_the_same_backup_or_another(where: Where, tmp_path: Path, batches: int) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    whole, another = back_up(where, one, MANY), back_up(where, other, MANY // 3)
    for path, expected in ((one, whole), (other, another)):
        kill(where, one, batches)
        with pytest.raises(StoreUnsuitable, match="half restored: repeat  kg restore one"):
            open_again(where)
        store = open_again(where, restoring=True)
        assert store._connection.rows("MATCH (n:Entity) RETURN count(n) AS n")[0]["n"] > 0
        store.restore(path)
        store.close()
        store = open_again(where)
        assert shown(store) == expected
        with pytest.raises(BadRequest, match="not empty"):
            store.restore(path)
        empty(store)
        store.close()


def test_a_restore_that_another_took_over_from_writes_no_more(where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = back_up(where, tmp_path / "one", MANY)
    first, second = open_again(where), open_again(where)
    monkeypatch.setattr(backup, "PAGE", 25)
    begin = Restorer.begin

    def overtaken(restorer: Restorer, file: str) -> None:
        begin(restorer, file)
        monkeypatch.setattr(Restorer, "begin", begin)
        second.restore(tmp_path / "one")

    monkeypatch.setattr(Restorer, "begin", overtaken)
    with pytest.raises(BadRequest, match="another  kg restore"):
        first.restore(tmp_path / "one")
    assert shown(second) == whole
    first.close()
    second.close()


def test_a_half_graph_is_not_backed_up_as_if_it_were_whole(where: Where, tmp_path: Path) -> None:
    back_up(where, tmp_path / "one", MANY)
    kill(where, tmp_path / "one", 2)
    with pytest.raises(StoreUnsuitable, match="half restored"):
        open_migrating(where, tmp_path / "half")
    assert not (tmp_path / "half").exists()


def open_migrating(where: Where, path: Path) -> BoltStore:
    from kgplatform.store import local, neo4j

    if "home" in where:
        return local.open_store(Path(where["home"]), where["graph"], backup_to=path)
    return neo4j.open_store(where["uri"], where["user"], where["password"], backup_to=path)
