"""Training of the byte-level BPE ranks."""

import base64
import heapq
import unicodedata
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

from .tokenizer import SPLIT, TAGS

Pair = tuple[bytes, bytes]


class _Corpus:
    """The words as lists of byte strings, with the number of every pair of neighbours kept up to date."""

    def __init__(self, words: Counter[str]):
        self._words = [([bytes([byte]) for byte in word.encode("utf8")], n) for word, n in words.items()]
        self.pairs: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(self._words)):
            self._count(index)

    def merge(self, pair: Pair) -> set[Pair]:
        """Join a pair everywhere; returns the pairs whose number has changed."""
        changed: set[Pair] = set()
        for index in self._where.pop(pair):
            parts, n = self._words[index]
            for old in _neighbours(parts):
                self.pairs[old] -= n
                changed.add(old)
            parts[:] = _joined(parts, pair)
            self._count(index)
            changed.update(_neighbours(parts))
        self.pairs[pair] = 0
        return changed

    def _count(self, index: int) -> None:
        parts, n = self._words[index]
        for pair in _neighbours(parts):
            self.pairs[pair] += n
            self._where[pair].add(index)


def _neighbours(parts: list[bytes]) -> list[Pair]:
    return list(pairwise(parts))


def _joined(parts: list[bytes], pair: Pair) -> list[bytes]:
    out, i = [], 0
    while i < len(parts):
        if tuple(parts[i : i + 2]) == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(parts[i])
            i += 1
    return out


def train_bpe(texts: Counter[str], n_ranks: int) -> list[bytes]:
    """The byte strings of the ranks, in order: the 256 bytes, then merges by frequency. texts: text -> weight."""
    corpus = _Corpus(_split(texts))
    ranks = dict.fromkeys(bytes([i]) for i in range(256))
    heap = [(-n, pair) for pair, n in corpus.pairs.items()]
    heapq.heapify(heap)
    while len(ranks) < n_ranks and heap:
        negative, pair = heapq.heappop(heap)
        now = corpus.pairs[pair]
        if now != -negative:  # the entry is stale
            if now > 0:
                heapq.heappush(heap, (-now, pair))
            continue
        ranks.setdefault(pair[0] + pair[1])
        for changed in corpus.merge(pair):
            if corpus.pairs[changed] > 0:
                heapq.heappush(heap, (-corpus.pairs[changed], changed))
    return list(ranks)


def write_tiktoken(ranks: list[bytes], path: Path) -> None:
    path.write_bytes(b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(ranks)))


def _split(texts: Counter[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    for text, n in texts.items():
        for chunk in TAGS.split(unicodedata.normalize("NFC", text)):
            if not TAGS.fullmatch(chunk):
                for piece in SPLIT.findall(chunk):
                    words[piece] += n
    return words
