"""Pictures as the vision tower takes them."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .config import CLIP_MEAN, CLIP_STD, IMAGE_SIZE


def normalise(images: Tensor) -> Tensor:
    """uint8 [n, side, side, 3] -> [n, 3, side, side] with CLIP's mean and deviation taken out."""
    mean = torch.tensor(CLIP_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(CLIP_STD, device=images.device).view(1, 3, 1, 1)
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std


def preprocess(image: Image.Image) -> Tensor:
    """Any picture -> [1, 3, 224, 224]: RGB, bicubic to the square without keeping the aspect ratio, normalised."""
    square = image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.BICUBIC)
    return normalise(torch.from_numpy(np.asarray(square).copy())[None])


def augment(images: Tensor) -> Tensor:
    """Like normalise, with slight random changes of light and some noise."""
    x = normalise(images)
    light, offset, noise = torch.rand(3, x.shape[0], 1, 1, 1, device=x.device)
    x = x * (0.92 + 0.16 * light) + (offset - 0.5) * 0.16
    return x + torch.randn_like(x) * (noise - 0.6).clamp_min(0) * 0.25
