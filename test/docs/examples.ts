/** A piece of code of a page, and what it prints. */
export interface Example {
  /** Line of the page on which the code begins. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** The block of `text` or `json` that follows the code; undefined if something else does. */
  readonly prints: { readonly language: string; readonly text: string } | undefined;
}

interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Whether nothing but blank lines is between it and the block before. */
  readonly follows: boolean;
}

const OUTPUTS: readonly string[] = ['text', 'json'];

const blocksOf = (markdown: string): Block[] => {
  let end = 0;
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
    ({ 0: whole, 1: language = '', 2: text = '', index }) => {
      const follows = end > 0 && markdown.slice(end, index).trim() === '';
      end = index + whole.length;
      return { line: markdown.slice(0, index).split('\n').length + 1, language, text, follows };
    },
  );
};

/** The pieces of code of a page in Markdown, in order. A block of `text` or `json` after code is what it prints. */
export const examplesOf = (markdown: string): Example[] =>
  blocksOf(markdown).flatMap(({ line, language, text }, index, blocks) => {
    if (OUTPUTS.includes(language)) return [];
    const next = blocks[index + 1];
    return { line, language, code: text, prints: next?.follows && OUTPUTS.includes(next.language) ? next : undefined };
  });

const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');

/** Matches what an example prints: `…` stands for anything, and white space in JSON does not count. */
export const matcherOf = ({ language, text }: { readonly language: string; readonly text: string }) => {
  const normal = (printed: string): string => (language === 'json' ? printed.replace(/\s+/g, '') : printed.trim());
  const pattern = new RegExp(`^${normal(text).split('…').map(escaped).join('.*')}$`, 's');
  return { normal, pattern };
};
