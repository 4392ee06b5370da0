"""PyTorch reference of the Qwen-VL architecture; parameter names are those of its checkpoint."""
