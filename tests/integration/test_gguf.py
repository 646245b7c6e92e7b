"""GGUF files served on this machine: what is no model is told, and the server goes when nobody needs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kgplatform import settings
from kgplatform.errors import BadSetting, ModelError, WeightsMissing
from kgplatform.lm import modelcards, weights
from kgplatform.lm.llama import LlamaChat
from kgplatform.lm.talk import Message, Request
from kgplatform.opening import chat
from ui.cli.main import main

HELLO = Request((Message("user", "Say hello."),), max_tokens=8)
PROGRAM = """
import os, sys
from pathlib import Path
from kgplatform.lm.llama import LlamaChat
from kgplatform.lm.talk import Message, Request
model = LlamaChat(Path(sys.argv[1]), Path(sys.argv[2]), gpu=False)
hello = Request((Message("user", "Say hello."),), max_tokens=8)
first = model.reply(hello).text
print(model._server.process.pid, flush=True)
"""


def _gguf() -> Path:
    home = settings.load().home
    if not weights.present("smollm2-135m", home):
        pytest.skip("the weights of smollm2-135m are not on this machine")
    return weights.folder("smollm2-135m", home) / modelcards.card("smollm2-135m").files[0].path


def _run(code: str, logs: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM + code, str(_gguf()), str(logs)]
    root = str(Path(__file__).parents[2])
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "PYTHONPATH": root})


def _gone(pid: int) -> bool:
    try:
        psutil.Process(pid).wait(30)
    except psutil.NoSuchProcess:
        return True
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_is_no_gguf_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    other = tmp_path / "model.gguf"
    with pytest.raises(BadSetting, match=f"{other}: the model cannot be read .No such file"):
        chat(settings.load(), f"local:{other}")
    other.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(BadSetting, match=f"{other} is not a GGUF file"):
        chat(settings.load(), f"local:{other}")
    with pytest.raises(WeightsMissing, match="kg models fetch qwen"):
        chat(settings.load(), "local:qwen2.5-coder-1.5b")


@pytest.mark.models
def test_a_gguf_in_part_is_told_with_its_log(tmp_path: Path) -> None:
    part = tmp_path / "part.gguf"
    with _gguf().open("rb") as file:
        part.write_bytes(file.read(20_000_000))
    with pytest.raises(ModelError, match=f"{part} could not be loaded .*not within the file bounds.*llama.log"):
        chat(settings.load(), f"local:{part}")


@pytest.mark.models
def test_one_server_for_all_who_name_a_file_and_a_new_one_after_it_died(tmp_path: Path) -> None:
    one, two = (LlamaChat(_gguf(), tmp_path, gpu=False) for _ in range(2))
    assert one._server is two._server
    said = one.reply(HELLO).text
    one._server.process.kill()
    one._server.process.wait()
    assert two.reply(HELLO).text == said == one.reply(HELLO).text
    assert one._server is two._server


@pytest.mark.models
def test_a_file_of_ones_own_is_named_by_its_bytes(tmp_path: Path) -> None:
    model = LlamaChat(_gguf(), tmp_path, gpu=False, context=512)
    (tmp_path / "mine.gguf").symlink_to(_gguf())
    assert LlamaChat(tmp_path / "mine.gguf", tmp_path, gpu=False).name.partition("@")[2] == model.name.partition("@")[2] != ""


@pytest.mark.models
def test_a_fork_goes_on_and_the_terminal_stays_clean(tmp_path: Path) -> None:
    code = """
pid = os.fork()
if not pid:
    print(model.reply(hello).text == first, flush=True)
    sys.exit()  # with all that a program does at its end
os.waitpid(pid, 0)
print(model.reply(hello).text == first, flush=True)
"""
    with _run(code, tmp_path) as process:
        out, err = process.communicate(timeout=120)
    assert err == ""
    pid, *same = out.split()
    assert same == ["True", "True"]
    assert _gone(int(pid))
    assert (tmp_path / "llama.log").exists()


@pytest.mark.models
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_who_started_it(tmp_path: Path, end: signal.Signals) -> None:
    with _run("sys.stdin.read()", tmp_path) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert psutil.pid_exists(pid)
        process.send_signal(end)
    assert _gone(pid)


@pytest.mark.models
def test_only_who_has_the_key_is_answered(tmp_path: Path) -> None:
    import urllib.error
    import urllib.request

    model = LlamaChat(_gguf(), tmp_path, gpu=False)
    asked = urllib.request.Request(f"{model._server.address}/v1/chat/completions", b'{"messages": []}')
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(asked, timeout=60)
    assert model._server.key not in (tmp_path / "llama.log").read_text() if (tmp_path / "llama.log").exists() else True


@pytest.mark.models
def test_models_are_tried(capsys: pytest.CaptureFixture[str]) -> None:
    _gguf()
    assert main(["models", "test", "smollm2-135m", "--json"]) == 0
    rows = {row["role"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert "Paris" in rows["scorer"]["sample"] and rows["scorer"]["sentences_per_second"] > 0
    chatting = rows["chat"]
    assert json.loads(chatting["sample"])["capital"]
    assert (chatting["context"], chatting["schema_support"]) == (8192, True)
    assert chatting["tokens_per_second"] > 0 and chatting["seconds"] > 0
    assert main(["models", "test", "local:smollm2-135m"]) == 0
    assert "context 8,192 tokens, binds answers to a schema" in capsys.readouterr().out
