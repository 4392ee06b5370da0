import type { ChatTimings, ResolvedImage, Usage } from '@eidetic/chat';

export const usageJson = (usage: Usage) => ({
  prompt_tokens: usage.promptTokens,
  completion_tokens: usage.completionTokens,
  total_tokens: usage.promptTokens + usage.completionTokens,
  prompt_tokens_details: { cached_tokens: usage.cachedTokens, image_tokens: usage.imageTokens },
});

export const imagesJson = (images: readonly ResolvedImage[]) =>
  images.map(({ imageId, width, height, cached }) => ({ id: imageId, width, height, cached }));

const tenths = (ms: number): number => Math.round(ms * 10) / 10;

export const timingsJson = ({ imagesMs, decoderMs, firstTokenMs, totalMs }: ChatTimings): ChatTimings => ({
  imagesMs: tenths(imagesMs),
  decoderMs: tenths(decoderMs),
  firstTokenMs: tenths(firstTokenMs),
  totalMs: tenths(totalMs),
});
