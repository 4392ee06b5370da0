"""Token ids of chats: ChatML turns, pictures as "Picture 1: <img>..</img>"."""

from .config import VISUAL
from .tokenizer import Tokenizer

SYSTEM_PROMPT = "You are a helpful assistant."


class ChatEncoder:
    def __init__(self, tokenizer: Tokenizer):
        t = self.tokenizer = tokenizer
        self.newline = t.encode("\n")
        self.image = [t.img_start] + [t.img_pad] * VISUAL["n_queries"] + [t.img_end]
        self.user_start = [t.im_start, *t.encode("user"), *self.newline]
        self.assistant_start = [t.im_end, *self.newline, t.im_start, *t.encode("assistant"), *self.newline]

    def system(self, text: str = SYSTEM_PROMPT) -> list[int]:
        """The system turn and the start of the first user turn."""
        t = self.tokenizer
        system = [t.im_start, *t.encode("system"), *self.newline, *t.encode(text), t.im_end, *self.newline]
        return system + self.user_start

    def pictures(self, first: int, n: int) -> list[int]:
        """n pictures, numbered from `first`, joined by newlines; the question follows after a newline."""
        ids: list[int] = []
        for number in range(first, first + n):
            ids += (self.newline if ids else []) + self.tokenizer.encode(f"Picture {number}: ") + self.image
        return ids

    def prompt(self, question: str, n_pictures: int) -> list[int]:
        """Everything before the answer of a first turn."""
        text = self.tokenizer.encode(("\n" if n_pictures else "") + question)
        return self.system() + self.pictures(1, n_pictures) + text + self.assistant_start
