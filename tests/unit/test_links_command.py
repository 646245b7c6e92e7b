"""``kg train`` and ``kg evaluate links``, from what is typed to the model's file; and one sentence for what cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger
from kgplatform.store.memory import MemoryStore
from reasoning import links
from reasoning.split import read_split
from reasoning.training.run import Run
from tests.commands import Kg, commands
from tests.unit.test_training import free_port

Rows = Sequence[tuple[str, str, str]]
QUICK = ["--dim", "8", "--epochs", "4", "--batch", "16"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str]) -> Kg:
    return commands(capsys)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(Path(os.environ["KG_HOME"]) / "jobs.sqlite")


def facts(count: int = 200, seed: int = 0) -> list[tuple[str, str, str]]:
    draw = np.random.default_rng(seed)
    return [(f"e{h:02}", f"r{r}", f"e{t:02}") for h, r, t in draw.integers((20, 3, 20), size=(count, 3)).tolist()]


def folder(name: str, train: Rows, valid: Rows = (), test: Rows = ()) -> str:
    Path(name).mkdir()
    for part, rows in (("train", train), ("valid", valid), ("test", test)):
        Path(name, f"{part}.txt").write_text("".join("\t".join(row) + "\n" for row in rows))
    return name


def usual(name: str = "data", seed: int = 0) -> str:
    rows = facts(seed=seed)
    return folder(name, rows[:150], rows[150:175], rows[175:])


# kg evaluate links


def test_a_model_is_measured_on_a_folder(kg: Kg) -> None:
    (found,) = kg("evaluate", "links", usual(), *QUICK, "--model", "distmult", "--json", "--out", "o.json").objects
    keys = {"mrr", "hits@1", "hits@3", "hits@10", "per_relation", "epoch_seconds", "test_seconds", "unseen_test_triples"}
    assert keys <= set(found)
    assert (found["model"], found["settings"]["dim"], found["device"]) == ("distmult", 8, "cpu")
    assert set(found["per_relation"]) == {"r0", "r1", "r2"}
    assert json.loads(Path("o.json").read_text()) == found
    told = kg("evaluate", "links", "data", *QUICK).out
    assert "both\t" in told
    assert "n-n, head" in told
    assert "25 test facts, 0 of them with entities that training never saw" in told


def test_a_trained_model_is_measured_without_training(kg: Kg) -> None:
    data = usual()
    (trained,) = kg("evaluate", "links", data, *QUICK, "--json").objects
    kg("train", data, *QUICK, "--out", "m.safetensors")
    (found,) = kg("evaluate", "links", data, "--checkpoint", "m.safetensors", "--json").objects
    assert (found["mrr"], found["train_seconds"]) == (trained["mrr"], None)
    kg("evaluate", "links", data, "--checkpoint", "m.safetensors", "--dim", "9").refused(2, "--checkpoint names a model that is trained")


# what cannot be


@pytest.mark.parametrize("model", ["complex", "transe"])
@pytest.mark.parametrize(
    ("train", "test"),
    [
        (facts(), [("new", "r0", "e01"), ("e01", "r9", "newer")]),
        ([(h, "only", t) for h, _, t in facts()], [("e01", "only", "e02")]),
        ([("me", "knows", "me")], [("me", "knows", "me")]),
        ([(f"e{n}", "is", f"e{n}") for n in range(30)], [("e1", "is", "e1")]),
    ],
    ids=["unknown ends and relation", "one relation", "one entity", "only loops"],
)
def test_odd_graphs_are_measured_as_any_other(kg: Kg, model: str, train: Rows, test: Rows) -> None:
    answer = kg("evaluate", "links", folder("odd", train, test, test), *QUICK, "--model", model, "--json")
    (found,) = answer.objects
    assert (answer.code, answer.err, found["ranks"]) == (0, "", 2 * len(test))
    assert 0 < found["mrr"] <= 1
    assert found["unseen_test_triples"] == sum("new" in row[0] + row[2] for row in test)


def test_what_cannot_be_measured_is_one_sentence(kg: Kg) -> None:
    data = usual()
    kg("evaluate", "links", "gone").refused(2, "gone")
    kg("evaluate", "links", folder("empty", [])).refused(2, "empty/test.txt: holds no facts")
    kg("evaluate", "links", folder("untaught", [], [], facts(9))).refused(2, "nothing to learn from")
    kg("evaluate", "links", data, "--model", "complx").refused(2, "'complx' is no link-prediction model: there are compgcn, complex,")
    kg("evaluate", "links", data, "--dim", "0").refused(2, "dim must be at least 1")
    kg("evaluate", "links", data, "--device", "cuda:9").refused(2, "the device 'cuda:9' is not there")
    kg("evaluate", "links", data, "--device", "cuda:x").refused(2, "the device 'cuda:x' is not there")
    kg("evaluate", "links", data, "--out", "no/o.json").refused(2, "there is no folder no")
    Path("data/test.txt").write_text("two\tcells\n")
    kg("evaluate", "links", data).refused(2, "data/test.txt, line 1: expected head, relation and tail")
    Path("data/valid.txt").unlink()
    kg("evaluate", "links", data).refused(2, "data/valid.txt: cannot be read")


def test_columns_may_stand_in_another_order(kg: Kg) -> None:
    rows = facts()
    turned = folder("turned", *([(r, h, t) for h, r, t in part] for part in (rows[:150], rows[150:175], rows[175:])))
    usual()
    ways = (["data"], [turned, "--columns", "relation,head,tail"])
    first, second = (kg("evaluate", "links", *way, *QUICK, "--json").objects[0] for way in ways)
    assert first["mrr"] == second["mrr"]
    kg("evaluate", "links", turned, "--columns", "head,tail").refused(2, "'head, tail' are no columns of facts")
    kg("train", turned, *QUICK, "--columns", "relation, head, tail", "--out", "m")
    kg("train", "--columns", "relation,head,tail").refused(2, "--columns names the order of files")
    assert kg("evaluate", "links", "data", "--checkpoint", "m").code == 0


def test_scores_that_are_no_numbers_are_one_sentence(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    data = usual()
    kg("evaluate", "links", data, *QUICK, "--rate", "1e30", "--norm", "1").refused(1, "try a smaller learning rate than 1e+30")
    monkeypatch.setattr("reasoning.models.complex.ComplEx.score", lambda _, heads, relations: torch.full((len(heads), 20), torch.nan))
    kg("evaluate", "links", data, *QUICK).refused(1, "the model gives scores that are not numbers")


def test_a_model_of_another_graph_or_of_none_is_one_sentence(kg: Kg) -> None:
    rows = facts()
    kg("train", usual(), *QUICK, "--out", "m.safetensors")
    other = folder("other", [*rows, ("e01", "r0", "stranger")], [], rows[:5])
    kg("evaluate", "links", other, "--checkpoint", "m.safetensors").refused(2, "m.safetensors belongs to another graph", "21 and 3")
    Path("words").write_text("no model")
    kg("evaluate", "links", "data", "--checkpoint", "words").refused(2, "words cannot be read as a checkpoint")
    kg("train", "data", *QUICK, "--out", "words").refused(2, "words is there already and is no trained model")


# kg train


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> KnowledgeGraph:
    made = KnowledgeGraph(MemoryStore())
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: made)
    return made


def test_a_model_is_trained_on_a_folder_and_kept(kg: Kg, ledger: Ledger) -> None:
    (found,) = kg("train", usual(), *QUICK, "--json").objects
    parts = read_split(Path("data"))
    predictor = links.load(Path(found["file"]), parts.train)
    assert (found["model"], found["epochs"], found["watched"]) == ("complex", predictor.epochs, 25)
    assert found["mrr"] == max(predictor.history)
    assert Path(found["file"]).parent == Path(os.environ["KG_HOME"]) / "trained"
    assert not list(Path(os.environ["KG_HOME"]).glob("jobs/*"))  # what it kept to go on is gone
    log = kg("jobs", "log", ledger.jobs()[0].id).out
    assert "epoch 1 of 4: MRR 0." in log
    assert "the model is in " in kg("train", "data", *QUICK).out


def test_a_model_is_trained_on_the_graph(kg: Kg, graph: KnowledgeGraph) -> None:
    kg("train").refused(2, "the graph has no facts between entities, so there is nothing to learn from")
    Path("facts.tsv").write_text("".join("\t".join(row) + "\n" for row in facts()))
    kg("import", "facts.tsv")
    (plan,) = kg("train", "--dry-run", "--json").objects
    assert (plan["dry_run"], plan["entities"], plan["settings"]["dim"]) == (True, 20, 128)
    (found,) = kg("train", *QUICK, "--json").objects
    assert (found["facts"], found["mrr"]) == (len(set(facts())), None)  # too few facts to spare some for watching
    (other,) = kg("train", "other", *QUICK, "--job", "--json").objects
    assert other["graph"] == "other"


def test_what_cannot_be_trained_is_one_sentence(kg: Kg, ledger: Ledger) -> None:
    data = usual()
    kg("train", "no/such").refused(2, "no/such: there is no such folder, and no graph can have that name")
    kg("train", data, "--search", "-1").refused(2, "--search -1: is a number of minutes above 0")
    kg("train", data, "--model", "complx").refused(2, "no link-prediction model")
    kg("train", data, "--out", "no/m").refused(2, "there is no folder no")
    kg("train", data, "--out", data).refused(2, "is a folder: name a file")
    kg("train", data, "--resume", "x").refused(2, "name either DIR_OR_GRAPH or  --resume RUN")
    kg("train", "--resume", "x").refused(2, "no job has the id or the run 'x'")
    assert ledger.jobs() == []


WHOLE = ["train", "data", "--dim", "8", "--epochs", "60", "--batch", "4", "--norm", "0.01"]
KILLED = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from ui.cli.main import main
from ui.tasks import training
training.MINUTES = 0.0
sys.exit(main(sys.argv[1:]))
"""


def killed(command: Sequence[str], when: Callable[[], bool]) -> None:
    """Run ``kg`` until then, and kill it as nothing can stop."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    worker = subprocess.Popen([sys.executable, "-c", KILLED.format(root=str(ROOT)), *command], env=environment, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while not when() and worker.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert when()


@pytest.mark.slow
def test_a_training_killed_by_force_goes_on_to_the_same_model(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    usual()
    (whole,) = kg(*WHOLE, "--json", "--out", "whole").objects
    home = Path(os.environ["KG_HOME"])
    killed([*WHOLE, "--out", "parts"], lambda: bool(list(home.glob("jobs/*/*.safetensors"))))
    broken = ledger.jobs()[0]
    begun, through = list[int](), Run.through

    def going_on(self: Run, *given: Any) -> None:
        begun.append(self.epoch * 1000 + self.done)
        through(self, *given)

    monkeypatch.setattr(Run, "through", going_on)
    (parts,) = kg("train", "--resume", broken.id, "--json").objects
    assert begun[0] > 0  # not from the beginning
    one, other = (links.load(Path(name), read_split(Path("data")).train).model.state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert parts["mrr"] == whole["mrr"]
    assert ledger.job(broken.id).state == "done"


def test_a_training_is_cancelled_between_batches(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    step, steps = Run._step, list[int]()

    def stepping(self: Run, *given: Any) -> None:
        steps.append(1)
        if len(steps) == 3:
            ledger.cancel(ledger.jobs()[0].id)
            monkeypatch.setattr("kgplatform.jobs.work._SELDOM", 0.0)
        step(self, *given)

    monkeypatch.setattr(Run, "_step", stepping)
    answer = kg("train", usual(), *QUICK)
    assert (answer.code, len(steps)) == (130, 3)
    assert "was cancelled; what it had done stays" in answer.err


# settings are searched


def test_settings_are_searched_within_a_time(kg: Kg) -> None:
    pytest.importorskip("optuna")
    began = time.monotonic()
    (found,) = kg("train", usual(), *QUICK, "--search", "0.05", "--json").objects
    assert time.monotonic() - began < 60
    search = found["search"]
    assert search["trials"] >= 1
    assert search["best"] >= (search["default"] or 0.0)
    assert found["mrr"] == pytest.approx(search["best"], abs=0.05)
    assert "settings tried" in kg("train", "data", *QUICK, "--search", "0.02").out


def test_too_few_facts_to_compare_settings_is_one_sentence(kg: Kg) -> None:
    pytest.importorskip("optuna")
    data = folder("few", [("a", "r", "b"), ("b", "r", "a")])
    kg("train", data, "--search", "1").refused(2, "facts can be spared for comparing settings, and it takes 20")


# together


@pytest.mark.slow
def test_processes_train_together(kg: Kg) -> None:
    data = usual()
    kg("train", data, *QUICK, "--out", "one")
    meet = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "GLOO_SOCKET_IFNAME": "lo"}
    environment = {**os.environ, **meet, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", "ui.cli.main", "train", data, *QUICK, "--out", "two", "--json"]
    both = [subprocess.Popen(command, env={**environment, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True) for rank in range(2)]
    try:
        told = [one.communicate(timeout=240)[0] for one in both]
    finally:
        for process in both:
            process.kill()
            process.wait()
    assert [process.returncode for process in both] == [0, 0]
    assert told[1] == ""  # the first speaks for both
    one, two = (links.load(Path(name), read_split(Path(data)).train).model.state_dict() for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-3)


def test_ultra_ranks_with_no_training_by_parameters_of_its_authors(kg: Kg) -> None:
    from reasoning.models.ultra import Ultra

    data = folder("data", facts(), test=facts(20, seed=1))
    torch.save({"model": Ultra().state_dict()}, "ultra.pth")
    (found,) = kg("evaluate", "links", data, "--model", "ultra", "--checkpoint", "ultra.pth", "--json").objects
    assert (found["model"], found["epochs"], found["train_seconds"]) == ("ultra", 0, None)
    assert 0 < found["mrr"] <= 1
    kg("evaluate", "links", data, "--model", "ultra").refused(2, "name the authors' parameters with  --checkpoint")
    kg("evaluate", "links", data, "--model", "ultra", "--checkpoint", "data/train.txt").refused(2, "train.txt", "take ultra_3g.pth")
