"""The scripted chat model fails as it is told to."""

from __future__ import annotations

import json

import pytest

from kgplatform.errors import ModelBusy, ModelError, ModelRefused, ModelUnreachable
from kgplatform.lm.scripted_chat import Faults, ScriptedChat
from kgplatform.lm.talk import Message, Request

ANSWER = '{"capital": "Paris"}'
ASKED = Request((Message("user", "What is the capital of France?"),), {"type": "object"})


def test_the_scripted_model_fails_as_often_as_it_is_told() -> None:
    faults = Faults(busy=0.3, timeout=0.1, broken=0.1, refused=0.1, seed=3)
    kinds = [faults.of(call) for call in range(1, 5001)]
    shares = {kind: kinds.count(kind) / 5000 for kind in ("busy", "timeout", "broken", "refused")}
    assert shares == pytest.approx({"busy": 0.3, "timeout": 0.1, "broken": 0.1, "refused": 0.1}, abs=0.02)
    assert kinds != [Faults(busy=0.3, timeout=0.1, broken=0.1, refused=0.1, seed=4).of(call) for call in range(1, 5001)]


@pytest.mark.parametrize(("fault", "error"), [("busy", ModelBusy), ("timeout", ModelUnreachable), ("refused", ModelRefused)])
def test_a_scripted_failure_is_of_its_kind(fault: str, error: type[ModelError]) -> None:
    model = ScriptedChat({"France": ANSWER}, faults=Faults(**{fault: 1.0}, after=7.0))  # type: ignore[arg-type]
    with pytest.raises(error) as caught:
        model.reply(ASKED)
    assert model.calls == [ASKED] and not model.answered
    assert getattr(caught.value, "after", 7.0) == 7.0


def test_broken_json_is_broken() -> None:
    model = ScriptedChat(lambda request: json.dumps({"capital": "x" * request.sample}), faults=Faults(broken=1.0))
    for sample in range(20):
        with pytest.raises(ValueError):
            json.loads(model.reply(Request(ASKED.messages, ASKED.schema, sample=sample)).text)
    assert len(model.calls) == 20 and not model.answered


def test_a_table_without_the_answer_says_so() -> None:
    with pytest.raises(ModelError, match="no answer to 'What is the capital of France"):
        ScriptedChat({"Japan": "Tokyo"}).reply(ASKED)
