import type { Manifest } from '@eidetic/bundle';
import { type ChatFamily, EideticError } from '@eidetic/core';
import { createQwenVlFamily } from '@eidetic/qwen-vl';

/** What of a manifest a family reads. */
type FamilyManifest = Pick<Manifest, 'family' | 'tokenizer' | 'generation' | 'embeddings'>;

const FAMILIES: Readonly<Record<string, (manifest: FamilyManifest, tokenizerFile: Uint8Array) => ChatFamily>> = {
  'qwen-vl': createQwenVlFamily,
};

/**
 * The family of a bundle's model.
 *
 * @param tokenizerFile Content of the file that `manifest.tokenizer.file` names.
 * @throws EideticError `invalid_bundle` when this version does not know the family; what the family says of the files.
 */
export function openChatFamily(manifest: FamilyManifest, tokenizerFile: Uint8Array): ChatFamily {
  const open = Object.hasOwn(FAMILIES, manifest.family) ? FAMILIES[manifest.family] : undefined;
  if (open !== undefined) return open(manifest, tokenizerFile);
  const known = Object.keys(FAMILIES).join(', ');
  throw new EideticError(
    'invalid_bundle',
    `The bundle's family is '${manifest.family}'; this version knows: ${known}.`,
  );
}
