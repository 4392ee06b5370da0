/**
 * Upper bounds of the histograms, in seconds unless they say otherwise. Each list reaches from the best that is measured or hoped
 * for to what is broken; prom-client's own are made for web pages.
 */

/** A cached picture on a GPU to a queue of pictures on a laptop. */
export const FIRST_TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Decoding a thumbnail to encoding a batch with a large ViT on CPUs. */
export const ENCODE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A free slot, which takes no time, to the five minutes after which requests are given up by default. */
export const QUEUE_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** A handful of positions of a small model to a full chunk of a large one on CPUs, which running answers wait for. */
export const PREFILL_STEP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A decode step and the time between two tokens: 0.9 ms of the small model to a large one on CPUs that stalls behind prompts. */
export const TOKEN_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Answers in one decode step: powers of two up to the most slots that an engine can have. */
export const DECODE_ROWS_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** A miss in a Redis next door to the longest that a value may take. */
export const CACHE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** Pictures in one run of the vision graph: powers of two up to the most that may be set. */
export const BATCH_IMAGES_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** What a batch of pictures costs, in rows of embeddings: one picture of a small model to a batch of large ones. */
export const BATCH_COST_BUCKETS = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];

/** Another decoder that is free and has the state, to the patience after which an answer is given up. */
export const RESUME_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Looking a picture up in memory, hashing it, to waiting for one that is encoded behind others. */
export const RESOLVE_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
