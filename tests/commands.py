"""The ``kg`` command in this process: what it answered, and what a refusal must look like."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ui.cli.main import main


@dataclass(frozen=True)
class Answer:
    """Exit code, standard output and standard error of one command."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.split("\n") if line]

    def refused(self, code: int, *words: str) -> None:
        """One sentence on standard error, nothing on standard output, no traceback."""
        assert (self.code, self.out, self.err.count("\n")) == (code, "", 1), self
        assert self.err.startswith("kg: ")
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err


Kg = Callable[..., Answer]


def commands(capsys: pytest.CaptureFixture[str]) -> Kg:
    """Runs commands one after the other."""

    def run(*arguments: str | Path) -> Answer:
        with pytest.MonkeyPatch.context() as patch:  # the variables of the tests themselves are no settings: they would be warned of
            for name in [name for name in os.environ if name.startswith("KG_TEST_")]:
                patch.delenv(name)
            code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run
