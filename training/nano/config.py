"""Sizes of the model, in the vocabulary of Qwen-VL's config.json, and where the files of the recipe lie."""

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"
PUBLISHED_MODEL = Path(__file__).parents[2] / "models" / "qwen-vl-nano-chat"
TOKENIZER_FILE = PUBLISHED_MODEL / "qwen.tiktoken"  # the weights are worth nothing with another one

N_RANKS = 4096  # byte-level BPE ranks, the 256 single bytes included
N_SPECIAL = 217
VOCAB_SIZE = 4352  # ranks and special tokens, padded to a multiple of 128
ROW_LENGTH = 288  # tokens of a training row
IMAGE_SIZE = 224

VISUAL = {
    "heads": 6,
    "image_size": IMAGE_SIZE,
    "image_start_id": N_RANKS + N_SPECIAL - 3,  # <img>; </img> and <imgpad> follow
    "layers": 6,
    "mlp_ratio": 3.0,
    "n_queries": 64,
    "output_dim": 320,
    "patch_size": 14,
    "resampler_heads": 5,  # not in Qwen-VL, which uses output_dim // 128
    "width": 384,
}

CONFIG = {
    "architectures": ["QWenLMHeadModel"],
    "attn_dropout_prob": 0.0,
    "auto_map": {
        "AutoConfig": "configuration_qwen.QWenConfig",
        "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel",
    },
    "bf16": False,
    "emb_dropout_prob": 0.0,
    "fp16": True,
    "fp32": False,
    "hidden_size": 320,
    "initializer_range": 0.02,
    "intermediate_size": 1664,
    "kv_channels": 64,
    "layer_norm_epsilon": 1e-06,
    "max_position_embeddings": 8192,
    "model_type": "qwen",
    "no_bias": True,
    "num_attention_heads": 5,
    "num_hidden_layers": 6,
    "onnx_safe": None,
    "rotary_emb_base": 10000,
    "rotary_pct": 1.0,
    "scale_attn_weights": True,
    "seq_length": 2048,
    "tie_word_embeddings": False,
    "tokenizer_type": "QWenTokenizer",
    "torch_dtype": "float16",
    "transformers_version": "4.31.0",
    "use_cache": True,
    "use_dynamic_ntk": True,
    "use_flash_attn": False,
    "use_logn_attn": True,
    "visual": VISUAL,
    "vocab_size": VOCAB_SIZE,
}

GENERATION_CONFIG = {
    "chat_format": "chatml",
    "do_sample": False,
    "eos_token_id": N_RANKS,
    "max_new_tokens": 512,
    "max_window_size": 6144,
    "pad_token_id": N_RANKS,
    "top_k": 0,
    "top_p": 0.5,
    "transformers_version": "4.31.0",
}

TOKENIZER_CONFIG = {
    "auto_map": {"AutoTokenizer": ["tokenization_qwen.QWenTokenizer", None]},
    "model_max_length": 8192,
    "tokenizer_class": "QWenTokenizer",
}

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
