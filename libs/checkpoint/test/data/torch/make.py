"""Writes this folder's checkpoint with PyTorch's own torch.save, and expected.json with what PyTorch says it holds.

Run once: python make.py (PyTorch 1.12.1, CPU, little endian). The tests read the committed files.
"""

import hashlib
import json
from collections import OrderedDict

import torch

torch.manual_seed(20231)
random16 = torch.randint(-32768, 32767, (6, 5), dtype=torch.int16)
base = torch.randn(4, 3)
base16 = torch.randn(10, 4).to(torch.bfloat16)

module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.LayerNorm(3)).to(torch.bfloat16)
first = module.state_dict()  # an OrderedDict with _metadata: the BUILD opcode
first["views.whole"] = base16
first["views.rows"] = base16[2:5]
first["views.element"] = base16[9, 3]
first["tied"] = first["0.weight"]

second = {
    "float32": base,
    "float16": torch.tensor([65504.0, -0.0, 2.0**-24, 1023 * 2.0**-24, 2.0**-14, 1 / 3, float("-inf")]).half(),
    "bfloat16": torch.tensor([3.3895314e38, -0.0, 2.0**-133, 1 / 3, float("-inf")]).bfloat16(),
    "int64": torch.arange(-3, 3),
    "int32": torch.tensor([[-(2**31), 2**31 - 1]], dtype=torch.int32),
    "int16": random16,
    "uint8": torch.arange(256, dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(1.5),
    "empty": torch.empty(0, 7, dtype=torch.bfloat16),
    "column": torch.arange(5.0)[:, None],
    "parameter": torch.nn.Parameter(torch.full((2, 2), 0.25)),
}

shards = {"pytorch_model-00001-of-00002.bin": first, "pytorch_model-00002-of-00002.bin": second}
expected, weight_map, total = {}, {}, 0
for file, state in shards.items():
    torch.save(state, file)
    for name, tensor in state.items():
        tensor = tensor.detach().contiguous()
        raw = bytes(tensor.clone().flatten().view(torch.uint8).numpy()) if tensor.numel() else b""
        weight_map[name] = file
        total += len(raw)
        expected[name] = {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "file": file,
            "sha256": hashlib.sha256(raw).hexdigest(),
        }
        if tensor.is_floating_point():
            expected[name]["float32Sha256"] = hashlib.sha256(tensor.float().numpy().tobytes()).hexdigest()

torch.save({"column-major": torch.randn(3, 4).T}, "column-major.bin")
for path, value in {
    "config.json": {"model_type": "qwen", "torch_version": torch.__version__},
    "pytorch_model.bin.index.json": {"metadata": {"total_size": total}, "weight_map": weight_map},
    "expected.json": expected,
}.items():
    with open(path, "w") as out:
        json.dump(value, out, indent=1)
        out.write("\n")
