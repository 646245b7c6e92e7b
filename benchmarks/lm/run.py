"""Measure what the wrappers of chat models cost, and the scorer against plain batches.

    python benchmarks/lm/run.py [--calls N] [--threads N] [--no-scorer] [--model FOLDER] [--device cpu] [--out FILE]

The model behind the wrappers is scripted and answers at once, so what is measured is the wrappers alone. The scorer is measured
by ``benchmarks/scoring``, in this same run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT))

if TYPE_CHECKING:
    from kgplatform.lm.ports import ChatModel
    from kgplatform.lm.talk import Request
    from kgplatform.settings import Settings

_WORDS = "Marie Curie was born in Warsaw and found radium together with her husband. " * 20
_LIMITS = {"KG_BUDGET_TOKENS": "1e12", "KG_BUDGET_TOKENS_DAY": "1e12", "KG_BUDGET_USD": "1e6", "KG_BUDGET_USD_DAY": "1e6"}


@dataclass
class Row:
    """One line of the table."""

    what: str
    threads: int
    calls_per_second: float
    ms_per_call: float
    cpu_ms_per_call: float


def _requests(calls: int) -> list[Request]:
    from kgplatform.lm.talk import Message, Request

    system = Message("system", "Which facts does this text state?")
    return [Request((system, Message("user", f"{number}. {_WORDS}")), sources=(f"doc:{number % 100}",)) for number in range(calls)]


def _take(what: str, chat: ChatModel, requests: list[Request], threads: int) -> Row:
    """The time of all calls, by the clock and of the processor, shared out."""
    started, before = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(chat.reply, requests):
            pass
    seconds, cpu, calls = time.perf_counter() - started, time.process_time() - before, len(requests)
    return Row(what, threads, calls / seconds, seconds / calls * 1000, cpu / calls * 1000)


def _settings(home: str, **more: str) -> Settings:
    from kgplatform.settings import load

    return load({"KG_HOME": home, **more}, {}, Path(home))


def wrappers(calls: int, threads: int) -> Iterator[Row]:
    """Bare, wrapped and cached; then with limits a minute that are never reached."""
    from kgplatform.lm.scripted_chat import ScriptedChat
    from kgplatform.lm.wrapping import wrapped

    requests, model = _requests(calls), ScriptedChat(lambda _: '{"facts": []}')
    for count in dict.fromkeys((1, threads)):
        yield _take("the model alone", model, requests, count)
        for name, more in (
            ("cache, retries, budgets", {}),
            ("and limits a minute", {"KG_CHAT_RPM": str(10**7), "KG_CHAT_TPM": str(10**10)}),
        ):
            with tempfile.TemporaryDirectory(dir=Path.home()) as home:
                chat = wrapped(model, _settings(home, **_LIMITS, **more), "bench")
                yield _take(name, chat, requests, count)
                yield _take(f"{name}: the same again", chat, requests, count)


def scorer(model: Path | None, device: str) -> str:
    """What ``benchmarks/scoring`` prints, or why it cannot."""
    command = [sys.executable, str(_ROOT / "benchmarks" / "scoring" / "run.py"), "--device", device]
    done = subprocess.run(command + (["--model", str(model)] if model else []), text=True, capture_output=True)
    return done.stdout if done.returncode == 0 else f"SKIPPED: the scorer: {done.stderr.strip()[-500:]}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--no-scorer", action="store_true")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    rows = []
    print(f"{'':42} {'threads':>7} {'calls/s':>9} {'ms/call':>8} {'cpu ms':>7}")
    for row in wrappers(chosen.calls, chosen.threads):
        rows.append(row)
        print(f"{row.what:42} {row.threads:7} {row.calls_per_second:9,.0f} {row.ms_per_call:8.3f} {row.cpu_ms_per_call:7.3f}", flush=True)
    scores = "" if chosen.no_scorer else scorer(chosen.model, chosen.device)
    print(scores, end="")
    if chosen.out:
        chosen.out.write_text(
            json.dumps({"calls": chosen.calls, "wrappers": [asdict(row) for row in rows], "scorer": scores.splitlines()}, indent=1)
        )


if __name__ == "__main__":
    main()
