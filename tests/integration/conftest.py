"""What the tests on real servers share."""

from __future__ import annotations

import pytest

from tests import servers
from tests.integration.crowd import Where


@pytest.fixture(params=["local", "neo4j"])
def where(request: pytest.FixtureRequest) -> Where:
    """Where an empty graph is, as another process can be told."""
    if request.param == "local":
        return {"home": str(servers.local_home()), "graph": request.getfixturevalue("local_graph")}
    server = request.getfixturevalue("neo4j_alone")
    return {"uri": server.uri, "user": server.user, "password": server.password}
