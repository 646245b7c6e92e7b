"""The real graph of Alibaba-iFashion: seconds and peak memory of an epoch, and what is found after some.

python -m benchmarks.recommend.ifashion FOLDER [--models lightgcn diffkg] [--epochs 45] [--device cuda]

It wants a graphics card; with ``--epochs 1 --device cpu`` the memory of an epoch can be seen anywhere.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import torch

from reasoning.recommend.models.registry import MODELS
from reasoning.recommend.ranking import figures
from reasoning.recommend.reading import read
from reasoning.recommend.training import Settings, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=("lightgcn", "diffkg"))
    parser.add_argument("--epochs", type=int, default=45)
    parser.add_argument("--look", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8_192)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        parser.exit(1, "there is no graphics card here: --device cpu takes minutes an epoch, --epochs 1 shows its memory\n")
    for seed in range(given.seeds):
        data = read(given.folder, seed=seed)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name in given.models:
            used = time.process_time()
            settings = Settings(model=name, epochs=given.epochs, look=given.look, batch=given.batch, seed=seed)
            found = train(data.parts, settings, data.facts, device=given.device)
            trained, began = time.process_time() - used, time.perf_counter()
            tested = figures(found.model, data.parts.test, data.parts.train, data.parts.valid)
            row = {"model": name, "seed": seed, **tested.shape(), "epochs": found.epochs, "epoch_seconds": round(found.epoch_seconds, 2)}
            row |= {"processor": round(trained, 1), "test_seconds": round(time.perf_counter() - began, 2)}
            row["memory_gib"] = round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20, 2)
            if given.device.startswith("cuda"):
                row["card_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
