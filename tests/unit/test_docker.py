"""What the Docker files promise, checked without an engine: by Docker's own client where it is there, and by reading."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kgplatform.settings import SETTINGS
from tests import servers

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
STACKS = [[], ["compose.gpu.yaml"], ["compose.openai.yaml"], ["compose.gpu.yaml", "compose.openai.yaml"]]


def services() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))["services"])


@pytest.mark.parametrize("more", STACKS, ids=lambda more: "+".join(more) or "alone")
def test_compose_accepts_the_files(more: list[str]) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        servers.missing("Docker's client with Compose")
    files = [part for name in ("compose.yaml", *more) for part in ("-f", str(DOCKER / name))]
    done = subprocess.run(["docker", "compose", *files, "config"], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (0, "")
    config = yaml.safe_load(done.stdout)
    assert set(config["services"]) == {"neo4j", "worker", "web"}, "who asks for no api needs no token for it"
    assert config["services"]["worker"]["build"]["target"] == ("cuda" if "compose.gpu.yaml" in more else "cpu")


def test_the_profile_api_is_the_graph_for_programs_behind_a_token() -> None:
    api = services()["api"]
    assert api["profiles"] == ["api"] and "api_token" in api["secrets"]
    assert api["environment"]["KG_API_TOKEN_FILE"] == "/run/secrets/api_token"
    said = subprocess.run(["sh", "-n", str(DOCKER / "serve.sh")], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    unknown = subprocess.run(["sh", str(DOCKER / "serve.sh"), "nothing"], capture_output=True, text=True, check=False)
    assert (unknown.returncode, unknown.stderr) == (2, "kgplatform: say which service this is: web, worker or api\n")
    known = re.findall(r"(\w+)", (DOCKER / "serve.sh").read_text("utf-8").partition("kg-serve ")[2].partition("\n")[0])
    assert set(known) == {service["command"][0] for service in services().values() if "command" in service}


def test_only_this_machine_reaches_the_services() -> None:
    published = [port for service in services().values() for port in service.get("ports", ())]
    assert published and all(str(port).startswith("127.0.0.1:") for port in published)


def test_every_service_says_how_it_is_and_comes_back() -> None:
    for name, service in services().items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_no_secret_stands_in_an_environment() -> None:
    secret = {setting.name for setting in SETTINGS if setting.secret}
    for path in DOCKER.glob("compose*.yaml"):
        assert not secret & set(re.findall(r"^\s+([A-Z_0-9]+):", path.read_text("utf-8"), re.M)), path
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_the_environment_holds_settings_that_there_are() -> None:
    known = {setting.name for setting in SETTINGS} | {"NEO4J_AUTH_FILE", "KG_API_TOKEN_FILE", "TZ"}
    assert not {name for service in services().values() for name in service.get("environment", ())} - known - {"<<"}


def test_the_image_runs_as_nobody_of_note_and_holds_what_it_copies() -> None:
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    assert text.rstrip().endswith("USER kg")
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for line in re.findall(r"^COPY (?:--chmod=\d+ )?(.+) \S+$", text, re.M):
        for source in line.split():
            assert (ROOT / source).exists() and f"!{source}" in ignored, source
    extras = re.search(r"EXTRAS=(\S+)", text)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert extras and set(extras[1].split(",")) <= set(declared)
