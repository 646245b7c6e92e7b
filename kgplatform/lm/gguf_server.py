"""The process that serves one GGUF file: told what to do on standard input, done when that is closed.

    echo '{"path": …, "context": 8192, "threads": 2, "gpu": false, "key": …}' | python gguf_server.py

Answers with its address and context in one line of JSON; all else that native code writes goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request


def main() -> None:
    wish = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import xllamacpp

    server = xllamacpp.Server(_parameters(wish))
    asked = urllib.request.Request(f"{server.listening_address}/v1/models", headers={"Authorization": f"Bearer {wish['key']}"})  # noqa: S310
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as listed:
        meta = json.load(listed)["data"][0]["meta"]
    answers.write(json.dumps({"address": server.listening_address, "context": min(meta["n_ctx"], meta["n_ctx_train"])}) + "\n")
    answers.close()
    sys.stdin.read()
    os._exit(0)  # an answer that is being written need not be waited for


def _parameters(wish: dict[str, object]) -> object:
    """One request at a time on all threads given: on a processor, requests side by side only slow each other down."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = wish["path"]
    parameters.model_alias = {"local"}
    parameters.n_ctx = wish["context"]
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = wish["threads"]
    if not wish["gpu"]:
        parameters.n_gpu_layers = 0
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [wish["key"]]
    parameters.ui = parameters.endpoint_slots = False
    parameters.cache_ram_mib = 0  # prefixes are shared with the request before; older ones may take gigabytes
    parameters.verbosity = 2
    return parameters


if __name__ == "__main__":
    main()
