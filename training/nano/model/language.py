"""The language model's blocks: RMSNorm, rotary attention, gated MLP."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import attention


class RMSNorm(nn.Module):
    def __init__(self, dim: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        y = x.float()
        return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)).type_as(x) * self.weight


def rotary_table(positions: Tensor, head_dim: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines, [b, 1, n, head_dim], of positions [b, n]."""
    half = head_dim // 2
    frequencies = base ** -(torch.arange(half, device=positions.device).float() / half)
    angle = positions.float().unsqueeze(-1) * frequencies
    angle = torch.cat((angle, angle), -1).unsqueeze(1)
    return angle.cos(), angle.sin()


def ntk_base(base: float, head_dim: int, prompt_length: int, trained_length: int) -> float:
    """The rotary base of a sequence whose whole prompt has this length (dynamic NTK, `get_ntk_alpha` of Qwen)."""
    alpha = max(2 ** math.ceil(math.log2(prompt_length / trained_length) + 1) - 1, 1)
    return base * alpha ** (head_dim / (head_dim - 2))


def logn_factor(positions: Tensor, trained_length: int) -> Tensor:
    """What queries at positions [b, n] are multiplied by, [b, 1, n, 1] (`logn_list` of Qwen)."""
    factor = (positions.double() + 1).log() / math.log(trained_length)
    return factor.clamp(min=1).float()[:, None, :, None]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Attention(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        self.heads, dim = cfg["num_attention_heads"], cfg["hidden_size"]
        size = cfg["kv_channels"] * self.heads
        self.c_attn = nn.Linear(dim, 3 * size)
        self.c_proj = nn.Linear(size, dim, bias=False)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor | None,
        cache: dict | None = None,
        query_scale: Tensor | None = None,
    ) -> Tensor:
        b, n, _ = x.shape
        q, k, v = (t.view(b, n, self.heads, -1).transpose(1, 2) for t in self.c_attn(x).chunk(3, -1))
        q, k = rotate(q, cos, sin).type_as(v), rotate(k, cos, sin).type_as(v)
        if cache is not None:
            if cache:
                k, v = torch.cat((cache["k"], k), 2), torch.cat((cache["v"], v), 2)
            cache.update(k=k, v=v)
        if query_scale is not None:
            q = q * query_scale
        return self.c_proj(attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(b, n, -1))


class MLP(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        dim, inner = cfg["hidden_size"], cfg["intermediate_size"] // 2
        self.w1 = nn.Linear(dim, inner, bias=False)
        self.w2 = nn.Linear(dim, inner, bias=False)
        self.c_proj = nn.Linear(inner, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.w1(x) * F.silu(self.w2(x)))


class Block(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        self.ln_1 = RMSNorm(cfg["hidden_size"], cfg["layer_norm_epsilon"])
        self.attn = Attention(cfg)
        self.ln_2 = RMSNorm(cfg["hidden_size"], cfg["layer_norm_epsilon"])
        self.mlp = MLP(cfg)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor | None,
        cache: dict | None = None,
        query_scale: Tensor | None = None,
    ) -> Tensor:
        x = x + self.attn(self.ln_1(x), cos, sin, mask, cache, query_scale)
        return x + self.mlp(self.ln_2(x))
