"""The stream of training data: worker processes draw rows into shared memory, a pool keeps them on the device.

Drawing is slower than training, so a batch is sampled from the pool with repetition while new rows replace
the oldest.
"""

import mmap
import multiprocessing
import queue
import random
import threading
import time
import traceback
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .config import IMAGE_SIZE, ROW_LENGTH
from .rows import ROW_TYPES, Row, RowSampler
from .schedule import Stage
from .tasks.sampler import TaskSampler
from .tokenizer import Tokenizer
from .vocabulary import Concept

MIX = {0: 0.03, 1: 0.84, 2: 0.11, 3: 0.02}  # rows by number of pictures
CAPACITY = {0: 4800, 1: 38400, 2: 9600, 3: 1600}  # rows in the pool
CHUNK = {0: 48, 1: 48, 2: 24, 3: 8}  # rows per piece of work; pictures of a chunk fit in one slot
CHUNK_IMAGES = 48
N_SLOTS = 96
_PIECES_STAGED = 24
_PIECES_PER_FEED = 12
_POLL_SECONDS = 0.005


class Piece(NamedTuple):
    """Drawn rows with the same number of pictures, on the device."""

    n_pictures: int
    stage: Stage
    tensors: dict[str, Tensor]


class Batch(NamedTuple):
    ids: Tensor  # [rows, ROW_LENGTH], like the next three
    segments: Tensor
    positions: Tensor
    labels: Tensor
    images: Tensor | None  # [pictures, side, side, 3] uint8, in the order of their tokens


def _shared_slots() -> dict[str, np.ndarray]:
    """Room for N_SLOTS chunks, in anonymous memory that forked workers share."""

    def shared(shape: tuple[int, ...], dtype: type) -> np.ndarray:
        memory = mmap.mmap(-1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return np.frombuffer(memory, dtype=dtype).reshape(shape)

    slots = {name: shared((N_SLOTS, CHUNK_IMAGES, ROW_LENGTH), dtype) for name, dtype in ROW_TYPES._asdict().items()}
    slots["images"] = shared((N_SLOTS, CHUNK_IMAGES, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    return slots


def _fill_slot(slots: dict[str, np.ndarray], slot: int, rows: RowSampler, n_pictures: int, stage: Stage) -> None:
    for i in range(CHUNK[n_pictures]):
        row, images = rows.row(n_pictures, stage)
        for name, values in row._asdict().items():
            slots[name][slot, i] = values
        for j, image in enumerate(images):
            slots["images"][slot, i * n_pictures + j] = image


def _work(slots, free, ready, stage, concepts, tokenizer, seed, reading) -> None:
    """The life of a worker process; what goes wrong in it is handed over as text."""
    try:
        rows = RowSampler(TaskSampler(concepts, seed, reading=reading), tokenizer)
        rng = random.Random(seed + 1)
        weights = [MIX[n] / CHUNK[n] for n in MIX]
        while True:
            slot = free.get()
            now = Stage(stage.value)
            n_pictures = 1 if now == Stage.ALIGN else rng.choices(list(MIX), weights)[0]
            _fill_slot(slots, slot, rows, n_pictures, now)
            ready.put((slot, n_pictures, now))
    except Exception:
        ready.put(traceback.format_exc())


class RowStream:
    """The workers. To be made before the first use of a GPU, which does not survive the fork."""

    def __init__(self, concepts: list[Concept], tokenizer: Tokenizer, workers: int, seed: int, reading: bool):
        context = multiprocessing.get_context("fork")
        self._slots, self._free, self._ready = _shared_slots(), context.Queue(), context.Queue()
        self._stage = context.Value("i", Stage.TEXT)
        for slot in range(N_SLOTS):
            self._free.put(slot)
        shared = (self._slots, self._free, self._ready, self._stage, concepts, tokenizer)
        self._workers = [
            context.Process(target=_work, args=(*shared, seed * 1000 + i, reading), daemon=True) for i in range(workers)
        ]
        for worker in self._workers:
            worker.start()

    @property
    def stage(self) -> Stage:
        return Stage(self._stage.value)

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self._stage.value = stage

    def next_piece(self, device: str) -> Piece | str:
        """The next chunk for the stage of now, copied to the device; the traceback of a worker that failed."""
        while True:
            message = self._ready.get()
            if isinstance(message, str):
                return message
            slot, n_pictures, stage = message
            piece = self._copy(slot, n_pictures, stage, device) if stage == self.stage else None
            self._free.put(slot)
            if piece:
                return piece

    def close(self) -> None:
        for worker in self._workers:
            worker.kill()

    def _copy(self, slot: int, n_pictures: int, stage: Stage, device: str) -> Piece:
        n = CHUNK[n_pictures]
        tensors = {
            name: torch.from_numpy(self._slots[name][slot, :n]).to(device, copy=True) for name in ROW_TYPES._fields
        }
        if n_pictures:
            images = torch.from_numpy(self._slots["images"][slot, : n * n_pictures]).to(device, copy=True)
            tensors["images"] = images.view(n, n_pictures, IMAGE_SIZE, IMAGE_SIZE, 3)
        return Piece(n_pictures, stage, tensors)


class _Ring:
    """Rows with the same number of pictures; new ones replace the oldest."""

    def __init__(self, capacity: int, n_pictures: int, device: str):
        types = Row(torch.int16, torch.int8, torch.int16, torch.bool)._asdict()
        self.tensors = {
            name: torch.zeros(capacity, ROW_LENGTH, dtype=dtype, device=device) for name, dtype in types.items()
        }
        if n_pictures:
            shape = (capacity, n_pictures, IMAGE_SIZE, IMAGE_SIZE, 3)
            self.tensors["images"] = torch.zeros(shape, dtype=torch.uint8, device=device)
        self._capacity, self.filled, self._at = capacity, 0, 0

    def clear(self) -> None:
        self.filled = self._at = 0

    def add(self, tensors: dict[str, Tensor]) -> int:
        n = len(tensors["ids"])
        if self._at + n > self._capacity:
            self._at = 0
        for name, values in tensors.items():
            self.tensors[name][self._at : self._at + n] = values
        self._at += n
        self.filled = max(self.filled, self._at)
        return n

    def sample(self, n: int) -> dict[str, Tensor]:
        chosen = torch.randint(self.filled, (n,), device=self.tensors["ids"].device)
        return {name: values[chosen] for name, values in self.tensors.items()}


class Pool:
    """Rows on the training device, kept fresh by a thread that copies what the workers have drawn."""

    def __init__(self, stream: RowStream, capacity: dict[int, int], device: str):
        self._stream, self._device = stream, device
        self._rings = {n: _Ring(rows, n, device) for n, rows in capacity.items()}
        self._staged: queue.Queue[Piece | str] = queue.Queue(maxsize=_PIECES_STAGED)
        self.drawn = 0  # rows ever
        threading.Thread(target=self._stage_pieces, daemon=True).start()

    def refresh(self) -> None:
        """Take in the rows that have been drawn since."""
        for _ in range(_PIECES_PER_FEED):
            try:
                piece = self._staged.get_nowait()
            except queue.Empty:
                return
            if isinstance(piece, str):
                raise RuntimeError(f"a drawing process failed:\n{piece}")
            if piece.stage == self._stream.stage:
                self.drawn += self._rings[piece.n_pictures].add(piece.tensors)

    def switch(self, stage: Stage, needed: dict[int, int]) -> None:
        """Drop all rows and wait for those of a new stage; needed: number of pictures -> rows."""
        self._stream.stage = stage
        for ring in self._rings.values():
            ring.clear()
        while any(self._rings[n].filled < rows for n, rows in needed.items()):
            self.refresh()
            time.sleep(_POLL_SECONDS)

    def sample(self, composition: dict[int, int]) -> Batch:
        """A batch; composition: number of pictures -> rows."""
        parts = [self._rings[n].sample(rows) for n, rows in composition.items()]
        images = [part["images"].flatten(0, 1) for part in parts if "images" in part]
        arrays = (torch.cat([part[name] for part in parts]) for name in ROW_TYPES._fields)
        return Batch(*arrays, torch.cat(images) if images else None)

    def _stage_pieces(self) -> None:
        while True:
            self._staged.put(self._stream.next_piece(self._device))
