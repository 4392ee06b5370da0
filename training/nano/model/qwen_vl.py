"""The whole model. Training stays below `seq_length`; beyond it, inference uses dynamic NTK and log-n attention."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from .language import Block, RMSNorm, logn_factor, ntk_base, rotary_table
from .vision import VisionTransformer

INIT_STD = 0.02


class Transformer(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        self.wte = nn.Embedding(cfg["vocab_size"], cfg["hidden_size"])
        self.h = nn.ModuleList(Block(cfg) for _ in range(cfg["num_hidden_layers"]))
        self.ln_f = RMSNorm(cfg["hidden_size"], cfg["layer_norm_epsilon"])
        self.visual = VisionTransformer(cfg["visual"])


class QwenVL(nn.Module):
    """cfg: the contents of config.json."""

    def __init__(self, cfg: dict):
        super().__init__()
        self.cfg = cfg
        self.transformer = Transformer(cfg)
        self.lm_head = nn.Linear(cfg["hidden_size"], cfg["vocab_size"], bias=False)
        self._init_weights()

    @property
    def visual(self) -> VisionTransformer:
        return self.transformer.visual

    @property
    def blocks(self) -> list[nn.Module]:
        """All transformer blocks, of the language model and of the vision tower."""
        return [*self.transformer.h, *self.visual.blocks]

    def embed(self, ids: Tensor, features: Tensor | None = None, slots: Tensor | None = None) -> Tensor:
        """Token embeddings; slots: flat positions in ids that the image features take, in order."""
        x = self.transformer.wte(ids)
        if features is None:
            return x
        flat = x.view(-1, x.shape[-1])
        return flat.index_copy(0, slots, features.reshape(-1, flat.shape[1]).to(flat.dtype)).view_as(x)

    def hidden(
        self,
        x: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        caches: Sequence[dict] | None = None,
        prompt_length: int = 0,
    ) -> Tensor:
        """The last hidden states.

        x: [b, n, dim]; positions: [b, n]; mask: additive, broadcast to [b, heads, n, keys];
        caches: one dict per block, filled and read back for token-by-token decoding;
        prompt_length: of the whole prompt, where it may exceed `seq_length` (config.json's `use_dynamic_ntk` and
        `use_logn_attn` then hold).
        """
        cfg, trained = self.cfg, self.cfg["seq_length"]
        head_dim, base, scale = cfg["kv_channels"], cfg["rotary_emb_base"], None
        if prompt_length and cfg["use_dynamic_ntk"]:
            base = ntk_base(base, head_dim, prompt_length, trained)
        if prompt_length and cfg["use_logn_attn"]:
            scale = logn_factor(positions, trained)
        cos, sin = rotary_table(positions, head_dim, base)
        for i, block in enumerate(self.transformer.h):
            x = block(x, cos, sin, mask, caches[i] if caches else None, scale)
        return self.transformer.ln_f(x)

    @torch.no_grad()
    def greedy(
        self, ids: Sequence[int], features: Tensor | None, img_pad: int, stop: Sequence[int], limit: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Yields (token, logits) step by step for one prompt, the stop token included."""
        prompt = torch.tensor([list(ids)])
        slots = (prompt.view(-1) == img_pad).nonzero().squeeze(1)
        x, caches, start = self.embed(prompt, features, slots), [{} for _ in self.transformer.h], 0
        for _ in range(limit):
            n = x.shape[1]
            mask = causal_mask(n) if n > 1 else None
            h = self.hidden(x, torch.arange(start, start + n)[None], mask, caches, len(ids))
            logits = self.lm_head(h[0, -1])
            token = int(logits.argmax())
            yield token, logits
            if token in stop:
                return
            start += n
            x = self.transformer.wte(torch.tensor([[token]]))

    @torch.no_grad()
    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=INIT_STD)
                if getattr(module, "bias", None) is not None:
                    nn.init.zeros_(module.bias)
        for name, p in self.named_parameters():
            if name.endswith(("c_proj.weight", "out_proj.weight")):
                nn.init.normal_(p, std=INIT_STD / math.sqrt(2 * self.cfg["num_hidden_layers"]))
        self.visual.init_weights()


def additive_mask(seen: Tensor) -> Tensor:
    """0 where a query sees a key and -inf elsewhere, in the type that attention computes in."""
    device = seen.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, float("-inf"))


def causal_mask(n: int, device: torch.device | str | None = None) -> Tensor:
    """Additive, [1, 1, n, n]."""
    return additive_mask(torch.ones(1, 1, n, n, dtype=torch.bool, device=device).tril())
