import { EideticError, type EmbeddingResolver, type GenerateRequest, type ImageEmbedding } from '@eidetic/core';

/**
 * The embeddings of a prompt's pictures, by key: those that came along, and those that are found.
 *
 * @param hidden numbers of each row
 * @throws EideticError `embedding_missing` with all keys that were not found, `invalid_embedding`.
 */
export async function resolveEmbeddings(
  prompt: GenerateRequest['prompt'],
  hidden: number,
  resolve: EmbeddingResolver,
): Promise<ReadonlyMap<string, ImageEmbedding>> {
  const found = new Map<string, ImageEmbedding>();
  const missing = new Set<string>();
  for (const segment of prompt) {
    if (segment.kind === 'tokens' || missing.has(segment.key)) continue;
    const { key, tokens } = segment;
    const known = found.get(key) ?? segment.embedding;
    const embedding = known ?? (await resolve(key));
    if (!embedding) {
      missing.add(key);
      continue;
    }
    checkShape(key, embedding, tokens, hidden);
    // What came along was checked by its encoder; looking again takes 13 ms for a picture of a million numbers.
    if (!known) checkFinite(key, embedding);
    found.set(key, embedding);
  }
  if (missing.size === 0) return found;
  throw new EideticError(
    'embedding_missing',
    `Image embeddings are missing: ${[...missing].join(', ')}. Encode the images again.`,
    { details: { keys: [...missing].join(' ') } },
  );
}

function checkShape(key: string, embedding: ImageEmbedding, tokens: number, hidden: number): void {
  const { data } = embedding;
  if (embedding.tokens === tokens && embedding.hidden === hidden && data.length === tokens * hidden) return;
  const found = `${embedding.tokens} x ${embedding.hidden} (${data.length} numbers)`;
  throw invalid(key, `is ${found}, not ${tokens} x ${hidden}`);
}

function checkFinite(key: string, { data }: ImageEmbedding): void {
  if (data.some((x) => !Number.isFinite(x))) throw invalid(key, 'holds numbers that are not finite');
}

const invalid = (key: string, trouble: string): EideticError =>
  new EideticError('invalid_embedding', `The embedding ${key} ${trouble}. Encode the image again.`, {
    details: { keys: key },
  });
