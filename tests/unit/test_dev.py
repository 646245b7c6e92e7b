"""``./dev``: what it says when something is missing, that it installs once, and that it repairs what was broken off."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path
from time import sleep

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = "awk basename cat chmod cksum cp cut dirname du grep mkdir mv printf rm sed sh sleep uname"
GB = 1024 * 1024

PYTHON = r"""#!/bin/sh
case "$*" in
    *'version_info < (3, 11)'*) exit "${STUB_OLD-0}" ;;
    *'print(*sys.version_info'*) echo 3 12 ;;
    *'print("%d.%d"'*) echo 3.12 ;;
    *'import ensurepip'*) exit "${STUB_NO_ENSUREPIP-0}" ;;
    *'platform.libc_ver'*) exit "${STUB_OLD_SYSTEM-0}" ;;
    '-m venv '*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *'pip --version'*) ;;
    *'pip install'*)
        echo "install $*" >>"$STUB_LOG"
        sleep "${STUB_SLOW-0}"
        exit "${STUB_PIP_FAILS-0}"
        ;;
    *kgplatform.lm.weights*) echo weights >>"$STUB_LOG"; exit "${STUB_WEIGHTS_FAIL-0}" ;;
    *ui.cli.main*) shift 3; printf '<%s>' "$@" ;;
    *'playwright install'*) echo playwright >>"$STUB_LOG"; exit 1 ;;
    *'-m pytest'*) echo "browser=${KG_TEST_BROWSER-none} $*" ;;
esac
"""


class Bench:
    """A copy of ``dev`` in a folder with a space in its name, and a PATH of stubs."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a clone"
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.root.mkdir()
        self.bin.mkdir()
        shutil.copy(ROOT / "dev", self.root)
        (self.root / "pyproject.toml").write_text("[project]\n")
        (self.root / "constraints.txt").write_text("rich==1\n")
        for tool in TOOLS.split():
            self.tool(tool)
        self.stub("python3", PYTHON)
        self.disk(100)

    def tool(self, name: str) -> None:
        where = shutil.which(name)
        assert where, f"this machine has no {name}"
        (self.bin / name).symlink_to(where)

    def use(self, lock: str) -> None:
        if lock == "flock":
            if not shutil.which("flock"):
                pytest.skip("this machine has no flock")
            self.tool("flock")

    def stub(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def disk(self, gigabytes: int) -> None:
        columns = f"/dev/x {200 * GB} 0 {gigabytes * GB} 0% /"
        self.stub("df", f"#!/bin/sh\necho Filesystem blocks Used Available Capacity Mounted on\necho '{columns}'\n")

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": str(self.bin), "HOME": str(self.root.parent), "STUB_LOG": str(self.log), **more}

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        command = [str(self.bin / "sh"), str(self.root / "dev"), *arguments]
        return subprocess.Popen(
            command,
            cwd=self.root.parent,
            env=self.environment(more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def installs(self) -> list[str]:
        return [line for line in self.lines() if line.startswith("install")]

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_first_run_installs_and_the_second_says_nothing(bench: Bench) -> None:
    first = bench.run("kg", "config")
    assert (first.returncode, first.stdout) == (0, "<config>")
    assert "3 GB to download, 7 GB on disk" in first.stderr
    assert len(bench.installs()) == 1
    assert f"-c {bench.root}/constraints.txt -e {bench.root}[local,models," in bench.installs()[0]
    second = bench.run("kg", "config")
    assert (second.returncode, second.stdout, second.stderr) == (0, "<config>", "")
    assert bench.lines() == [*bench.installs(), "weights"]


def test_arguments_arrive_as_they_were_typed(bench: Bench) -> None:
    arguments = ["ask", "Who's *there*?", "", "a  b", "--x=$HOME", '"q"', "-c"]
    assert bench.run("kg", *arguments).stdout == "".join(f"<{argument}>" for argument in arguments)


@pytest.mark.parametrize("name", ["demo", "app"])
def test_demo_and_app_are_commands_of_kg(bench: Bench, name: str) -> None:
    assert bench.run(name, "--port", "1").stdout == f"<{name}><--port><1>"


def test_without_a_new_enough_python_it_says_so(bench: Bench) -> None:
    old = bench.run("kg", STUB_OLD="1")
    (bench.bin / "python3").unlink()
    none = bench.run("kg")
    for done in (old, none):
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "no Python 3.11 or newer is on the PATH" in done.stderr
    assert not (bench.root / ".venv").exists()


def test_a_python_that_cannot_make_environments_names_the_package(bench: Bench) -> None:
    done = bench.run("kg", STUB_NO_ENSUREPIP="1")
    assert done.returncode == 1
    assert "apt install python3.12-venv" in done.stderr
    assert not bench.installs()
    assert bench.run("kg").returncode == 0


def test_a_small_disk_is_refused_before_anything_is_made(bench: Bench) -> None:
    bench.disk(5)
    done = bench.run("kg")
    assert done.returncode == 1
    assert "has 5 GB free, but 7 GB are needed" in done.stderr
    assert not (bench.root / ".venv").exists()
    assert not bench.installs()
    assert bench.run("kg", PIP_EXTRA_INDEX_URL="https://example.org/whl/cpu").returncode == 0


@pytest.mark.parametrize("lock", ["flock", "folder"])
def test_a_failed_installation_is_told_and_tried_again(bench: Bench, lock: str) -> None:
    bench.use(lock)
    done = bench.run("kg", "config", STUB_PIP_FAILS="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("dev: the packages could not be installed (see above): check the network")
    assert bench.run("kg", "config").stdout == "<config>"
    assert len(bench.installs()) == 2


def test_changed_requirements_are_installed(bench: Bench) -> None:
    bench.run("kg")
    for name in ("pyproject.toml", "constraints.txt"):
        before = len(bench.installs())
        (bench.root / name).write_text("# another\n")
        bench.run("kg")
        assert len(bench.installs()) == before + 1


def test_a_broken_environment_is_made_anew(bench: Bench) -> None:
    bench.run("kg")
    python = bench.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    done = bench.run("kg", "config")
    assert (done.returncode, done.stdout) == (0, "<config>")
    assert ".venv is broken" in done.stderr
    assert len(bench.installs()) == 2


def test_an_activated_environment_is_not_what_it_is_made_from(bench: Bench) -> None:
    bench.run("kg")
    inside = bench.root / ".venv" / "bin"
    shutil.copy(inside / "python", inside / "python3")
    (inside / "python").write_text("broken")
    done = bench.run("kg", "config", PATH=f"{inside}:{bench.bin}")
    assert (done.returncode, done.stdout) == (0, "<config>"), done.stderr


def test_a_killed_installation_is_repaired_by_the_next_run(bench: Bench) -> None:
    process = bench.start("kg", STUB_SLOW="60")
    while not bench.installs():
        assert process.poll() is None
        sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert bench.run("kg", "config").stdout == "<config>"
    assert len(bench.installs()) == 2


@pytest.mark.parametrize("lock", ["flock", "folder"])
def test_two_at_once_install_once(bench: Bench, lock: str) -> None:
    bench.use(lock)
    both = [bench.start("kg", "config", STUB_SLOW="1") for _ in range(2)]
    shown = [process.communicate(timeout=60) for process in both]
    assert [out for out, _ in shown] == ["<config>"] * 2, shown
    assert len(bench.installs()) == 1
    assert sorted(path.name for path in bench.root.iterdir()) == [".venv", "constraints.txt", "dev", "pyproject.toml"]


def test_the_lock_of_a_dead_process_does_not_hold(bench: Bench) -> None:
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    (bench.root / ".dev.lock").mkdir()
    (bench.root / ".dev.lock" / "pid").write_text(f"{dead.pid}\n")
    assert bench.run("kg", "config").stdout == "<config>"


def test_an_older_system_gets_no_local_server_and_is_told(bench: Bench) -> None:
    done = bench.run("kg", STUB_OLD_SYSTEM="1")
    assert "set NEO4J_URI" in done.stderr
    assert "[models,chat,harvest" in bench.installs()[0]


def test_uv_installs_unless_only_pip_is_set_up(bench: Bench) -> None:
    make = f'mkdir -p "$5/bin" && cp "{bench.bin}/python3" "$5/bin/python"'
    bench.stub("uv", f'#!/bin/sh\necho "uv $*" >>"$STUB_LOG"\n[ "$1" = pip ] || {{ {make}; }}\n')
    bench.run("kg", PIP_INDEX_URL="https://example.org/simple")
    assert len(bench.installs()) == 1
    (bench.root / "constraints.txt").write_text("# another\n")
    bench.run("kg")
    assert len(bench.installs()) == 1
    assert any(line.startswith("uv pip install") for line in bench.lines())
    shutil.rmtree(bench.root / ".venv")
    assert bench.run("kg", "config", PIP_INDEX_URL="https://a.example/", UV_DEFAULT_INDEX="https://b.example/").stdout == "<config>"
    assert any(line.startswith("uv venv") for line in bench.lines())


def test_models_that_cannot_be_fetched_stop_the_demo_but_not_the_tests(bench: Bench) -> None:
    assert bench.run("demo", STUB_WEIGHTS_FAIL="1").returncode == 1
    done = bench.run("test", STUB_WEIGHTS_FAIL="1")
    assert "are skipped" in done.stderr
    assert "-m pytest" in done.stdout


def test_the_tests_get_the_browser_of_the_machine(bench: Bench) -> None:
    assert "browser=none" in bench.run("test").stdout
    assert "playwright" in bench.lines()
    bench.stub("google-chrome", "#!/bin/sh\n")
    done = bench.run("test", "-k", "a or b", "tests/unit")
    assert f"browser={bench.bin}/google-chrome" in done.stdout
    assert done.stdout.strip().endswith("-k a or b tests/unit")
    assert "browser=mine" in bench.run("test", KG_TEST_BROWSER="mine").stdout


@pytest.mark.parametrize("arguments", [(), ("destroy",)])
def test_an_unknown_command_shows_the_known_ones(bench: Bench, arguments: tuple[str, ...]) -> None:
    done = bench.run(*arguments)
    assert done.returncode == 2
    assert "./dev demo | test" in done.stderr
    assert not bench.installs()


def test_a_package_that_is_there_in_part_is_installed_again(bench: Bench) -> None:
    home = bench.root / ".venv"
    venv.create(home, with_pip=False)
    site = next(home.glob("lib/python3*/site-packages"))
    for name in ("whole", "cut", "bare"):
        (site / f"{name}-1.dist-info").mkdir()
        (site / f"{name}.py").write_text("VALUE = 1\n")
    (site / "whole-1.dist-info" / "RECORD").write_text("whole.py,sha256=x,10\nwhole-1.dist-info/RECORD,,\n")
    (site / "cut-1.dist-info" / "RECORD").write_text("cut.py,sha256=x,99\ncut-1.dist-info/RECORD,,\n")
    for path in ("pip/__main__.py", "kgplatform/lm/weights.py", "ui/cli/main.py"):
        (site / path).parent.mkdir(parents=True)
        (site / path).write_text("main = lambda: None\n")
    done = bench.run("kg")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in site.glob("*.dist-info")) == ["whole-1.dist-info"]
    assert "cut-1 is there only in part" in done.stderr


def test_the_script_is_plain_posix_shell() -> None:
    shells = [shell for shell in ("dash", "bash", "sh") if shutil.which(shell)]
    for shell in shells:
        subprocess.run([shell, "-n", str(ROOT / "dev")], check=True)
    assert os.access(ROOT / "dev", os.X_OK)
