import type { Manifest, Precision } from '@eidetic/bundle';
import type { Checkpoint } from '@eidetic/checkpoint';
import type { LinearFormat } from './linear.ts';
import type { GraphBuilder } from './onnx/graph-builder.ts';

/** Formats of the three groups of matrices. */
export interface GraphFormats {
  readonly vision: LinearFormat;
  readonly decoder: LinearFormat;
  /** The projection onto the vocabulary, the layer most sensitive to rounding. */
  readonly head: LinearFormat;
}

/** What a family reads of a checkpoint. */
export type WeightSource = Pick<
  Checkpoint,
  'directory' | 'config' | 'generationConfig' | 'quantizeConfig' | 'tensors' | 'readFloat32' | 'readRaw'
>;

/** What a model family says about a checkpoint before anything is written. */
export interface ExportPlan {
  readonly vision: Pick<Manifest['vision'], 'imageSize' | 'tokensPerImage' | 'hidden'> & {
    /** Changes whenever pixels are made differently from the same bytes. */
    readonly preprocessing: string;
  };
  readonly decoder: Omit<Manifest['decoder'], 'graph' | 'precision' | 'headPrecision' | 'dtype'>;
  /** Checkpoint tensor that holds the token embeddings `[rows, hidden]`. */
  readonly embeddingTensor: string;
  /** Checkpoint file that holds the tokenizer's ranks. */
  readonly tokenizerFile: string;
  readonly specialTokens: Readonly<Record<string, number>>;
  readonly generation: Manifest['generation'];
  /** Adds the vision encoder: `pixels` uint8 `[batch, imageSize, imageSize, 3]` to `image_features` `[batch, tokens, hidden]`. */
  buildVision(graph: GraphBuilder, formats: GraphFormats): Promise<void>;
  /** Adds the language model; inputs and outputs are those of {@link Manifest}'s `decoder`. */
  buildDecoder(graph: GraphBuilder, formats: GraphFormats): Promise<void>;
}

/** A model family, as the exporter sees it. */
export interface ExportFamily {
  readonly name: string;
  /**
   * The language model's precision where its weights are quantised in the checkpoint already: it can be had in no other. Looks at what the
   * checkpoint says of itself, not at its tensors.
   *
   * @throws EideticError `invalid_checkpoint` when they are quantised in a way that cannot be read.
   */
  quantizedTo(checkpoint: WeightSource): Precision | undefined;
  /**
   * Checks the checkpoint against the family and lays out the graphs.
   *
   * @throws EideticError `invalid_checkpoint` naming the key or tensor that is missing or does not fit.
   */
  plan(checkpoint: WeightSource): Promise<ExportPlan>;
}
