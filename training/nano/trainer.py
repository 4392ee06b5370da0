"""The training loop: stages by the clock, saved regularly, continued from where it stopped."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from . import checkpoint
from .model.qwen_vl import QwenVL
from .muon import Muon
from .objective import Objective, objective
from .pool import CHUNK, CHUNK_IMAGES, MIX, Pool
from .schedule import SHARES, Stage, is_trained, rate, stage_at

ADAMW_RATE = 0.75  # of Muon's learning rate
GRADIENT_NORM = 1.0
POOL_HEADSTART = 4  # batches drawn before a stage begins
SMOKE_CAPACITY_DIVISOR = 40

Say = Callable[[str], None]


@dataclass
class TrainingPlan:
    out: Path
    seconds: float
    shares: tuple[float, ...] = SHARES  # of the seconds, per stage
    batch_rows: int = 512
    learning_rate: float = 2e-3
    device: str = "cpu"
    smoke: bool = False  # a pool and intervals for a run of a minute

    @property
    def log_steps(self) -> int:
        return 5 if self.smoke else 100

    @property
    def save_seconds(self) -> float:
        return 15 if self.smoke else 120

    def composition(self, stage: Stage) -> dict[int, int]:
        """Rows of a batch by number of pictures."""
        if stage == Stage.ALIGN:
            return {1: self.batch_rows}
        return {n: max(1, round(self.batch_rows * share)) for n, share in MIX.items()}


def smoke_capacity(capacity: dict[int, int]) -> dict[int, int]:
    """A pool small enough for a laptop, in whole chunks."""
    return {n: max(CHUNK_IMAGES, rows // SMOKE_CAPACITY_DIVISOR // CHUNK[n] * CHUNK[n]) for n, rows in capacity.items()}


class Trainer:
    """Trains a model on a pool of rows; the folder `out` gets state.pt and the exported checkpoint."""

    def __init__(self, model: QwenVL, pool: Pool, capacity: dict[int, int], img_pad: int, plan: TrainingPlan, say: Say):
        self.model, self._pool, self._capacity, self._img_pad = model, pool, capacity, img_pad
        self._plan, self._say = plan, say
        self._optimizers = _optimizers(model, plan)
        self._base_rates = [group["lr"] for o in self._optimizers for group in o.param_groups]
        self.elapsed, self.step, self.rows = 0.0, 0, 0
        self._stage: Stage | None = None
        if self._state_file.exists():
            self._restore()
        if plan.device == "cuda":
            for block in model.blocks:
                block.compile(dynamic=False)

    @property
    def export(self) -> Path:
        """The checkpoint folder."""
        return self._plan.out / "export"

    @property
    def _state_file(self) -> Path:
        return self._plan.out / "state.pt"

    def run(self) -> None:
        """Train to the end of the plan. The time spent waiting for rows and saving is not counted."""
        clock = last_save = last_log = time.time()
        logged = (self.step, self._pool.drawn)
        while True:
            stage, progress = stage_at(self.elapsed, self._plan.seconds, self._plan.shares)
            if stage is None:
                break
            if stage != self._stage:
                self._enter(stage)
                clock = time.time()
            factor = rate(stage, progress, self.step)
            result = self._train_step(stage, factor)
            now = time.time()
            self.elapsed += now - clock
            clock = now
            if self.step % self._plan.log_steps == 0:
                self._log(result, factor, logged, now - last_log)
                logged, last_log = (self.step, self._pool.drawn), now
            if now - last_save > self._plan.save_seconds:
                self.save()
                clock = last_save = time.time()
        self.save()

    def save(self) -> None:
        """Write the training state and the checkpoint."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "progress": (self.elapsed, self.step, self.rows),
        }
        unfinished = self._state_file.with_suffix(".tmp")
        torch.save(state, unfinished)
        os.replace(unfinished, self._state_file)
        checkpoint.save(self.model, self.export)

    def _restore(self) -> None:
        state = torch.load(self._state_file, map_location=self._plan.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.elapsed, self.step, self.rows = state["progress"]
        self._say(f"continue at step {self.step}, {self.elapsed:.0f} s")

    def _enter(self, stage: Stage) -> None:
        self._stage, start = stage, time.time()
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(is_trained(name, stage))
            parameter.grad = None
        needed = {n: min(POOL_HEADSTART * rows, self._capacity[n]) for n, rows in self._plan.composition(stage).items()}
        self._pool.switch(stage, needed)
        waited = time.time() - start
        self._say(f"stage {stage.name} at step {self.step}, {self.elapsed:.0f} s; pool ready in {waited:.1f} s")

    def _train_step(self, stage: Stage, factor: float) -> Objective:
        device = self._plan.device
        self._pool.refresh()
        batch = self._pool.sample(self._plan.composition(stage))
        groups = [group for optimizer in self._optimizers for group in optimizer.param_groups]
        for group, base in zip(groups, self._base_rates, strict=True):
            group["lr"] = base * factor
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            result = objective(self.model, batch, stage, self._img_pad)
        result.loss.backward()
        trained = [parameter for parameter in self.model.parameters() if parameter.grad is not None]
        torch.nn.utils.clip_grad_norm_(trained, GRADIENT_NORM)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.rows += len(batch.ids)
        return result

    def _log(self, result: Objective, factor: float, logged: tuple[int, int], seconds: float) -> None:
        accuracy = (result.logits.argmax(-1) == result.targets).float().mean().item()
        steps, drawn = self.step - logged[0], self._pool.drawn - logged[1]
        self._say(
            f"step {self.step} {self._stage.name} {self.elapsed:.0f} s loss {result.loss.item():.4f} "
            f"token accuracy {accuracy:.4f} rate x{factor:.3f} {steps / seconds:.2f} steps/s "
            f"drawn {drawn / seconds:.0f} rows/s"
        )


def _optimizers(model: QwenVL, plan: TrainingPlan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for the rest."""
    matrices, tables, vectors = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2 and (".resblocks." in name or ".h." in name):
            matrices.append(parameter)
        else:
            (tables if parameter.dim() > 1 else vectors).append(parameter)
    groups = [{"params": tables, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(
        groups, lr=plan.learning_rate * ADAMW_RATE, betas=(0.9, 0.98), fused=plan.device == "cuda" or None
    )
    return [Muon(matrices, lr=plan.learning_rate), adamw]
