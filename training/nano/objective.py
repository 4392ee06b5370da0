"""The loss of a batch of rows."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .model.qwen_vl import QwenVL, additive_mask
from .pixels import augment
from .pool import Batch
from .rows import PREFIX_SEGMENT
from .schedule import Stage


class Objective(NamedTuple):
    loss: Tensor
    logits: Tensor  # [trained tokens, vocabulary]
    targets: Tensor


def objective(model: QwenVL, batch: Batch, stage: Stage, img_pad: int) -> Objective:
    """Cross-entropy of the answer tokens."""
    ids = batch.ids.long()
    rows, length = ids.shape
    features = slots = None
    if batch.images is not None and stage != Stage.TEXT:
        features = _image_features(model, batch.images, frozen=stage == Stage.CHAT)
        slots = (ids.view(-1) == img_pad).nonzero().squeeze(1)
    x = model.embed(ids, features, slots)
    hidden = model.hidden(x, batch.positions, segment_mask(batch.segments))
    trained = batch.labels.view(-1).nonzero().squeeze(1)
    logits = model.lm_head(hidden.view(rows * length, -1)[trained])
    targets = ids.view(-1)[trained + 1]
    return Objective(F.cross_entropy(logits.float(), targets), logits, targets)


def segment_mask(segments: Tensor) -> Tensor:
    """Additive causal mask, [rows, 1, n, n]: a token sees the common prefix and its own segment."""
    n = segments.shape[1]
    causal = torch.ones(n, n, dtype=torch.bool, device=segments.device).tril()
    keys, queries = segments[:, None, :], segments[:, :, None]
    return additive_mask((causal & ((keys == PREFIX_SEGMENT) | (keys == queries))).unsqueeze(1))


def _image_features(model: QwenVL, images: Tensor, frozen: bool) -> Tensor:
    with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
        patches = model.visual.encode(augment(images))
    return model.visual.adapt(patches)
