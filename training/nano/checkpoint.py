"""Writes and reads the checkpoint folder: float16 safetensors shards and JSON files with Qwen-VL's names."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .config import CONFIG, GENERATION_CONFIG, TOKENIZER_CONFIG, TOKENIZER_FILE
from .model.qwen_vl import QwenVL

SHARD_BYTES = 14_500_000
_ITEM_BYTES = 2  # float16


def save(model: QwenVL, folder: Path) -> None:
    """Write the weights as float16, with the configuration and tokenizer of this recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("model*.safetensors"):
        old.unlink()
    shards = _shards(model.state_dict())
    weight_map = {}
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors"
        write_safetensors(folder / file, shard)
        weight_map.update(dict.fromkeys(shard, file))
    total = sum(t.numel() * _ITEM_BYTES for shard in shards for t in shard.values())
    _write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})
    _write_json(folder / "config.json", CONFIG)
    _write_json(folder / "generation_config.json", GENERATION_CONFIG)
    _write_json(folder / "tokenizer_config.json", TOKENIZER_CONFIG)
    shutil.copyfile(TOKENIZER_FILE, folder / "qwen.tiktoken")


def load(folder: Path | str) -> QwenVL:
    """The model of a checkpoint folder, in float32."""
    folder = Path(folder)
    model = QwenVL(json.loads((folder / "config.json").read_text()))
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    state: dict[str, Tensor] = {}
    for file in sorted(set(index["weight_map"].values())):
        state |= read_safetensors(folder / file)
    model.load_state_dict(state)
    return model.eval()


def write_safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """float16 tensors to one file."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in tensors.items():
        end = offset + tensor.numel() * _ITEM_BYTES
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for tensor in tensors.values():
            file.write(tensor.contiguous().numpy().tobytes())


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The float16 tensors of one file, as float16."""
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    tensors = {}
    for name, info in header.items():
        if name != "__metadata__":
            first, end = info["data_offsets"]
            values = np.frombuffer(data[start + first : start + end], np.float16)
            tensors[name] = torch.from_numpy(values.reshape(info["shape"]).copy())
    return tensors


def _shards(state: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    shards, size = [{}], 0
    for name, tensor in state.items():
        tensor = tensor.detach().to("cpu", torch.float16)
        if size + tensor.numel() * _ITEM_BYTES > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.numel() * _ITEM_BYTES
    return shards


def _write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
