"""Qwen's tokenizer: tiktoken ranks, Qwen's split pattern, its special tokens in their order."""

import base64
import unicodedata
from itertools import pairwise
from pathlib import Path

import regex

SPLIT = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *(f"<|extra_{i}|>" for i in range(205)),
    *("<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>", "<img>", "</img>", "<imgpad>"),
]
# Tags a chat message may contain; ChatML marks inside a message stay ordinary text.
TAGS = regex.compile(r"(</?(?:ref|box|quad|img)>|<imgpad>)")
_CACHED_PIECES = 200_000


class Tokenizer:
    def __init__(self, path: Path | str):
        """path: a qwen.tiktoken file."""
        lines = Path(path).read_bytes().splitlines()
        self._ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
        self._special = {token: len(self._ranks) + i for i, token in enumerate(SPECIAL)}
        self._bytes = {rank: token for token, rank in self._ranks.items()}
        self._bytes |= {i: token.encode() for token, i in self._special.items()}
        self._cache: dict[str, list[int]] = {}
        self.end_of_text, self.im_start, self.im_end = (self._special[token] for token in SPECIAL[:3])
        self.img_start, self.img_end, self.img_pad = (self._special[token] for token in SPECIAL[-3:])

    @property
    def stop_ids(self) -> tuple[int, int]:
        """The tokens that end an answer."""
        return self.im_end, self.end_of_text

    def encode(self, text: str) -> list[int]:
        """Token ids of a message; the image and box tags become special tokens."""
        ids: list[int] = []
        for chunk in TAGS.split(unicodedata.normalize("NFC", text)):
            if TAGS.fullmatch(chunk):
                ids.append(self._special[chunk])
            else:
                for piece in SPLIT.findall(chunk):
                    ids.extend(self._merge(piece))
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of token ids; the padding ids of the vocabulary stand for nothing."""
        return b"".join(self._bytes.get(i, b"") for i in ids).decode("utf8", errors="replace")

    def _merge(self, piece: str) -> list[int]:
        """Byte-level BPE of one piece."""
        ids = self._cache.get(piece)
        if ids is None:
            parts = [bytes([byte]) for byte in piece.encode("utf8")]
            while len(parts) > 1:
                pairs = [self._ranks.get(a + b, len(self._ranks)) for a, b in pairwise(parts)]
                rank = min(pairs)
                if rank == len(self._ranks):
                    break
                i = pairs.index(rank)
                parts[i : i + 2] = [parts[i] + parts[i + 1]]
            ids = [self._ranks[part] for part in parts]
            if len(self._cache) < _CACHED_PIECES:
                self._cache[piece] = ids
        return ids
