"""Linear layers by oneDNN on a processor.

torch multiplies float32 matrices with MKL, which holds back on processors of another maker than its own:
there oneDNN, which torch carries too, is twice as fast with results as exact.
"""

from __future__ import annotations

from typing import Any


def use(model: Any) -> None:
    """Let the linear layers of a float32 model on the processor run in oneDNN, where this torch has it and it agrees."""
    import torch

    if not (hasattr(torch.ops.mkldnn, "_linear_pointwise") and _agrees()):
        return
    layers: list[Any] = [module for module in model.modules() if type(module) is torch.nn.Linear]
    for layer in layers:
        layer.forward = _forward(layer)


def _forward(layer: Any) -> Any:
    import torch

    multiply = torch.ops.mkldnn._linear_pointwise

    def forward(given: Any) -> Any:
        return multiply(given, layer.weight, layer.bias, "none", [], "")

    return forward


def _agrees() -> bool:
    import torch

    layer = torch.nn.Linear(64, 32)
    with torch.inference_mode():
        given = torch.linspace(-1, 1, 320).reshape(1, 5, 64)
        try:
            return bool(torch.allclose(_forward(layer)(given), layer(given), atol=1e-5))
        except (RuntimeError, TypeError):
            return False
