"""Muon, for the weight matrices of the blocks: momentum, then an orthogonalised step.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def orthogonalise(gradients: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration on a stack of matrices, in bfloat16."""
    x = gradients.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.01 + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.05):
        super().__init__(list(params), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    by_shape[p.shape].append(p)
            for params in by_shape.values():
                self._step_alike(params, **{key: group[key] for key in ("lr", "momentum", "weight_decay")})

    def _step_alike(self, params: list[Tensor], lr: float, momentum: float, weight_decay: float) -> None:
        """One step for parameters of the same shape."""
        for p in params:
            if "momentum" not in self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
            self.state[p]["momentum"].lerp_(p.grad, 1 - momentum)
        look_ahead = [p.grad.lerp(self.state[p]["momentum"], momentum) for p in params]
        scale = 0.2 * max(params[0].shape) ** 0.5  # the same step size per entry as AdamW
        for p, step in zip(params, orthogonalise(torch.stack(look_ahead)).to(params[0].dtype), strict=True):
            p.mul_(1 - lr * weight_decay).add_(step, alpha=-lr * scale)
