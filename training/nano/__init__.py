"""A tiny vision-language model in the Qwen-VL (2023) checkpoint format, and the drawn data that trains it."""
