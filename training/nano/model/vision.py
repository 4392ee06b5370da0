"""The vision tower (a pre-norm ViT) and the adapter that turns its patches into a fixed number of features."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import attention, resize_table, sincos_2d

LAYER_NORM_EPSILON = 1e-6
POSITION_GRID = 16  # side of the position table, resized to the patches of the picture


class VisualAttention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        # The fused projection holds [q, k, v] per head, not all q, then all k, then all v.
        q, k, v = self.in_proj(x).view(b, n, self.heads, 3, c // self.heads).permute(3, 0, 2, 1, 4)
        return self.out_proj(attention(q, k, v).transpose(1, 2).reshape(b, n, c))


class VisualBlock(nn.Module):
    def __init__(self, width: int, heads: int, mlp_ratio: float):
        super().__init__()
        inner = int(width * mlp_ratio)
        self.ln_1 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.ln_2 = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        self.attn = VisualAttention(width, heads)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, inner), "c_proj": nn.Linear(inner, width)})

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x))))


class Resampler(nn.Module):
    """The adapter: learned queries attend over the patches."""

    def __init__(self, n_queries: int, dim: int, heads: int, kv_dim: int):
        super().__init__()
        self.pos_embed = nn.Parameter(sincos_2d(dim, math.isqrt(n_queries)), requires_grad=False)
        self.query = nn.Parameter(torch.randn(n_queries, dim) * 0.02)
        self.kv_proj = nn.Linear(kv_dim, dim, bias=False) if kv_dim != dim else nn.Identity()
        self.attn = nn.MultiheadAttention(dim, heads)
        self.ln_q = nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON)
        self.ln_kv = nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """[b, patches, kv_dim] -> [b, n_queries, dim]"""
        heads, dim = self.attn.num_heads, self.attn.embed_dim
        x = self.ln_kv(self.kv_proj(x))
        b, n, _ = x.shape
        query = self.ln_q(self.query) + self.pos_embed
        key = x + resize_table(self.pos_embed, n)
        (wq, wk, wv), (bq, bk, bv) = self.attn.in_proj_weight.chunk(3), self.attn.in_proj_bias.chunk(3)
        q = F.linear(query, wq, bq).view(1, -1, heads, dim // heads).transpose(1, 2).expand(b, -1, -1, -1)
        k = F.linear(key, wk, bk).view(b, n, heads, dim // heads).transpose(1, 2)
        v = F.linear(x, wv, bv).view(b, n, heads, dim // heads).transpose(1, 2)
        return self.attn.out_proj(attention(q, k, v).transpose(1, 2).reshape(b, -1, dim))


class VisionTransformer(nn.Module):
    """Built from the `visual` section of config.json."""

    def __init__(self, cfg: dict):
        super().__init__()
        width, dim, self.patch_size = cfg["width"], cfg["output_dim"], cfg["patch_size"]
        self.conv1 = nn.Conv2d(3, width, self.patch_size, self.patch_size, bias=False)
        self.positional_embedding = nn.Parameter(torch.randn(POSITION_GRID**2, width) * width**-0.5)
        self.ln_pre = nn.LayerNorm(width, eps=LAYER_NORM_EPSILON)
        blocks = [VisualBlock(width, cfg["heads"], cfg["mlp_ratio"]) for _ in range(cfg["layers"])]
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(blocks)})
        self.attn_pool = Resampler(cfg["n_queries"], dim, cfg["resampler_heads"], width)
        self.ln_post = nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON)
        self.proj = nn.Parameter(torch.randn(dim, dim) * dim**-0.5)

    @property
    def blocks(self) -> nn.ModuleList:
        return self.transformer["resblocks"]

    def encode(self, pixels: Tensor) -> Tensor:
        """Normalised [n, 3, side, side] -> patches before the adapter, [n, patches, width]."""
        n, _, side, _ = pixels.shape
        p, grid = self.patch_size, side // self.patch_size
        patches = pixels.view(n, 3, grid, p, grid, p).permute(0, 2, 4, 1, 3, 5).reshape(n, grid * grid, 3 * p * p)
        x = F.linear(patches, self.conv1.weight.flatten(1))  # the convolution; faster so
        x = self.ln_pre(x + resize_table(self.positional_embedding, grid * grid))
        for block in self.blocks:
            x = block(x)
        return x

    def adapt(self, x: Tensor) -> Tensor:
        """Patches -> image features, [n, n_queries, output_dim]."""
        return self.ln_post(self.attn_pool(x)) @ self.proj

    def forward(self, pixels: Tensor) -> Tensor:
        return self.adapt(self.encode(pixels))

    @torch.no_grad()
    def init_weights(self) -> None:
        """Start with known positions and a local adapter: each query looks at the patches under its own place."""
        width = self.positional_embedding.shape[1]
        self.positional_embedding.copy_(0.5 * sincos_2d(width, POSITION_GRID))
        pool = self.attn_pool
        pool.ln_q.weight.fill_(0.1)
        start = nn.init.orthogonal_(torch.empty_like(pool.attn.in_proj_weight.chunk(3)[0])) * 2.0
        pool.attn.in_proj_weight[: 2 * start.shape[0]].copy_(torch.cat((start, start)))
        nn.init.xavier_uniform_(pool.attn.out_proj.weight)
        self.proj.mul_(0.3)
