"""The vision encoder and decode steps of Qwen-VL in PyTorch, with random weights: the peer of bench/gpu.

    python torch_peer.py CONFIG cuda|cpu VISION_BATCHES DECODE_BATCHES CONTEXT

Prints a line of JSON for each measurement; times are in milliseconds, from inputs on the host to results on the host.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

WARM_UPS = 5
MEASURED_S = 3.0
MIN_ROUNDS = 5
MAX_ROUNDS = 64
TOP_K = 64
GRID = 16  # The resampler has 16 x 16 queries.


def attend(q, k, v, kind):
    """Attention without a mask over [batch, heads, positions, head size]; "sdpa" leaves the choice of a kernel to PyTorch."""
    if kind == "sdpa":
        return F.scaled_dot_product_attention(q, k, v)
    weights = torch.matmul(q, k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    return torch.matmul(weights.float().softmax(-1).to(q.dtype), v)


def heads_of(x, heads):
    batch, positions, width = x.shape
    return x.view(batch, positions, heads, width // heads).transpose(1, 2)


def joined(x):
    batch, heads, positions, size = x.shape
    return x.transpose(1, 2).reshape(batch, positions, heads * size)


class VisionBlock(nn.Module):
    def __init__(self, width, heads, inner, kind):
        super().__init__()
        self.heads, self.kind = heads, kind
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        q, k, v = (heads_of(part, self.heads) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(joined(attend(q, k, v, self.kind)))
        return x + self.contract(F.gelu(self.expand(self.norm2(x))))


class Vision(nn.Module):
    def __init__(self, config, kind):
        super().__init__()
        width, out = config["width"], config["output_dim"]
        self.kind, self.heads = kind, max(1, out // 128)
        patch, side = config["patch_size"], config["image_size"] // config["patch_size"]
        queries = min(side * side, GRID * GRID)
        self.patches = nn.Conv2d(3, width, patch, patch, bias=False)
        self.positions = nn.Parameter(torch.randn(side * side, width))
        self.norm_pre = nn.LayerNorm(width, eps=1e-6)
        inner = int(width * config["mlp_ratio"])
        self.blocks = nn.ModuleList(VisionBlock(width, config["heads"], inner, kind) for _ in range(config["layers"]))
        self.kv, self.norm_kv = nn.Linear(width, out, bias=False), nn.LayerNorm(out, eps=1e-6)
        self.query = nn.Parameter(torch.randn(queries, out))
        self.q, self.k, self.v, self.o = (nn.Linear(out, out) for _ in range(4))
        self.norm_post, self.projection = nn.LayerNorm(out, eps=1e-6), nn.Linear(out, out, bias=False)
        self.key_positions = nn.Parameter(torch.randn(side * side, out))

    def forward(self, pixels):
        dtype = self.positions.dtype
        x = pixels.permute(0, 3, 1, 2).to(dtype) / 255
        x = self.norm_pre(self.patches(x).flatten(2).transpose(1, 2) + self.positions)
        for block in self.blocks:
            x = block(x)
        x = self.norm_kv(self.kv(x))
        query = self.q(self.query).expand(x.shape[0], -1, -1)
        q, k, v = (heads_of(part, self.heads) for part in (query, self.k(x + self.key_positions), self.v(x)))
        return self.projection(self.norm_post(self.o(joined(attend(q, k, v, self.kind))))).float()


class DecoderLayer(nn.Module):
    def __init__(self, hidden, inner, heads, kind):
        super().__init__()
        self.heads, self.kind = heads, kind
        self.norm1, self.norm2 = nn.RMSNorm(hidden, eps=1e-6), nn.RMSNorm(hidden, eps=1e-6)
        self.qkv, self.out = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden, bias=False)
        self.gate, self.up = nn.Linear(hidden, inner, bias=False), nn.Linear(hidden, inner, bias=False)
        self.down = nn.Linear(inner, hidden, bias=False)

    def forward(self, x, keys, values, position, cos, sin):
        q, k, v = (heads_of(part, self.heads) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        q, k = rotated(q, cos, sin), rotated(k, cos, sin)
        keys[:, :, position], values[:, :, position] = k[:, :, 0], v[:, :, 0]
        past_keys, past_values = keys[:, :, : position + 1], values[:, :, : position + 1]
        x = x + self.out(joined(attend(q, past_keys, past_values, self.kind)))
        normed = self.norm2(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


def rotated(x, cos, sin):
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


class Decoder(nn.Module):
    def __init__(self, config, kind):
        super().__init__()
        hidden, heads, vocab = config["hidden_size"], config["num_attention_heads"], config["vocab_size"]
        layers = config["num_hidden_layers"]
        inner = config["intermediate_size"] // 2
        self.layers = nn.ModuleList(DecoderLayer(hidden, inner, heads, kind) for _ in range(layers))
        self.norm, self.head = nn.RMSNorm(hidden, eps=1e-6), nn.Linear(hidden, vocab, bias=False)

    def forward(self, x, cache, position, cos, sin):
        for layer, (keys, values) in zip(self.layers, cache):
            x = layer(x, keys, values, position, cos, sin)
        logits = self.head(self.norm(x)[:, -1]).float()
        top = logits.topk(min(TOP_K, logits.shape[-1]))
        return top.values, top.indices, logits.logsumexp(-1)


def repeat(run, device):
    def timed():
        start = time.perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) * 1000

    for _ in range(WARM_UPS):
        timed()
    times, started = [], time.perf_counter()
    while len(times) < MIN_ROUNDS or (len(times) < MAX_ROUNDS and time.perf_counter() - started < MEASURED_S):
        times.append(timed())
    return times


def made(model, device, dtype):
    """A model whose weights are drawn where they are used: on a GPU that takes a second, on the host minutes."""
    with torch.device("meta"):
        module = model()
    module = module.to(dtype).to_empty(device=device)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.02)
    return module.eval()


def measure_vision(config, device, batches, dtype, kind):
    model = made(lambda: Vision(config["visual"], kind), device, dtype)
    side = config["visual"]["image_size"]
    pixels = torch.randint(0, 256, (max(batches), side, side, 3), dtype=torch.uint8)
    if device == "cuda":
        pixels = pixels.pin_memory()
    for batch in batches:
        yield batch, repeat(lambda: model(pixels[:batch].to(device)).cpu(), device)


def measure_decode(config, device, batches, context, dtype, kind):
    model = made(lambda: Decoder(config, kind), device, dtype)
    hidden, heads, layers = config["hidden_size"], config["num_attention_heads"], config["num_hidden_layers"]
    size = hidden // heads
    angles = context / 10000.0 ** (torch.arange(0, size, 2, device=device) / size)
    cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
    for batch in batches:
        shape = (batch, heads, context + 1, size)
        cache = [tuple(torch.zeros(shape, device=device, dtype=dtype) for _ in range(2)) for _ in range(layers)]
        embeddings = torch.randn(batch, 1, hidden, dtype=dtype)

        def step():
            for result in model(embeddings.to(device), cache, context, cos, sin):
                result.cpu()

        yield batch, repeat(step, device)
        del cache


def say(measurement):
    print(json.dumps(measurement), flush=True)


@torch.inference_mode()
def main():
    path, device, vision_batches, decode_batches, context = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = True
    numbers = lambda text: [int(part) for part in text.split(",")]
    kinds = [(torch.bfloat16, "eager"), (torch.bfloat16, "sdpa"), (torch.float16, "eager"), (torch.float16, "sdpa")]
    if device == "cpu":
        kinds = [(torch.float32, "eager"), (torch.float32, "sdpa")]
    for dtype, kind in kinds:
        who = f"{kind} {str(dtype).removeprefix('torch.')}"
        for batch, times in measure_vision(config, device, numbers(vision_batches), dtype, kind):
            say({"what": "vision", "who": who, "batch": batch, "times": times})
        for batch, times in measure_decode(config, device, numbers(decode_batches), int(context), dtype, kind):
            say({"what": "decode", "who": who, "batch": batch, "times": times})


main()
