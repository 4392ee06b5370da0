"""What the vision tower, the adapter and the language model share."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# [batch, heads, length, head_dim] queries, keys and values; an additive mask; -> like the queries.
attention = F.scaled_dot_product_attention


def sincos_2d(dim: int, grid: int) -> Tensor:
    """MAE's fixed position table, [grid * grid, dim]: the first half of the channels encodes x, the second y."""
    y, x = torch.meshgrid(torch.arange(grid).float(), torch.arange(grid).float(), indexing="ij")
    omega = 10000.0 ** -(torch.arange(dim // 4).float() / (dim // 4))
    parts = []
    for axis in (x, y):
        angle = axis.reshape(-1, 1) * omega
        parts += [angle.sin(), angle.cos()]
    return torch.cat(parts, 1)


def resize_table(table: Tensor, n: int) -> Tensor:
    """Bicubic resize of a square position table to n entries, as Qwen-VL's get_abs_pos."""
    source, target = math.isqrt(table.shape[0]), math.isqrt(n)
    if source == target:
        return table
    grid = table.float().reshape(1, source, source, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(target, target), mode="bicubic", align_corners=False)
    return grid.permute(0, 2, 3, 1).flatten(0, 2).to(table.dtype)
