"""The four stages: their share of the time budget, what each trains, and the learning rate."""

import math
from enum import IntEnum


class Stage(IntEnum):
    TEXT = 0  # the language model, on the dialogs without picture features
    ALIGN = 1  # vision tower and adapter on captions, language model frozen
    JOINT = 2  # everything, on all tasks
    CHAT = 3  # language model and adapter on dialogs, vision tower frozen


SHARES = (0.04, 0.06, 0.76, 0.14)
WARM_UP_STEPS = 150
CHAT_RATE = 0.12  # the cosine of the joint stage ends where the chat stage begins
_ADAPTER = (".attn_pool.", ".ln_post.", ".visual.proj")
_FIXED = "attn_pool.pos_embed"


def stage_at(elapsed: float, total: float, shares: tuple[float, ...]) -> tuple[Stage | None, float]:
    """The stage at a time and how much of it is done, 0 to 1; None at the end. Stages without a share are left out."""
    end = 0.0
    for stage in Stage:
        length = shares[stage] * total
        end += length
        if length and elapsed < end:
            return stage, 1 - (end - elapsed) / length
    return None, 1.0


def rate(stage: Stage, progress: float, step: int) -> float:
    """Factor on the learning rate."""
    if stage == Stage.CHAT:
        return CHAT_RATE * (1 - progress) + 0.002
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    if stage == Stage.JOINT:
        return warm * (CHAT_RATE + (1 - CHAT_RATE) * 0.5 * (1 + math.cos(math.pi * progress)))
    return warm


def is_trained(name: str, stage: Stage) -> bool:
    """Whether a stage trains the parameter of that name."""
    if name.endswith(_FIXED):
        return False
    vision = ".visual." in name
    adapter = any(part in name for part in _ADAPTER)
    return {
        Stage.TEXT: not vision,
        Stage.ALIGN: vision,
        Stage.JOINT: True,
        Stage.CHAT: not vision or adapter,
    }[stage]
