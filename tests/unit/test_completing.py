"""What is asked of a completion is checked when it is asked, and what it keeps goes with what is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgplatform.errors import BadFile, BadRequest, NotFound
from ui import wire
from ui.tasks import complete


def test_a_model_that_is_not_there_is_refused_before_there_is_a_job() -> None:
    with pytest.raises(BadRequest, match="'complx' is no link-prediction model"):
        complete.arguments(None, model="complx")
    assert complete.arguments(None, model="auto")["model"] == "auto"


def test_parameters_that_are_not_there_are_refused_before_there_is_a_job(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nothere.pth: there is no such file"):
        complete.arguments(None, ultra=tmp_path / "nothere.pth")


def test_what_completions_keep_goes_when_a_source_is_forgotten(tmp_path: Path) -> None:
    """Names and facts of the source are in it."""
    opened = wire.Wire(wire.load(home=str(tmp_path), graph="memory"))
    opened.learned.mkdir(parents=True)
    (opened.learned / "complex.safetensors").write_bytes(b"names")
    opened.__dict__["graph"] = _Nothing()
    with pytest.raises(NotFound):
        opened.forget("doc:1")
    assert not opened.learned.exists()


class _Nothing:
    """A graph without sources."""

    def forget(self, source: str) -> None:
        raise NotFound(f"there is no source {source}")
