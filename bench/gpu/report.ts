import type { Figure } from './measure.ts';

const UNITS = { vision: 'pictures/s', decode: 'tokens/s', copy: 'GB/s' } as const;

/** The figures as a Markdown table, each beside the best of PyTorch and beside what the memory can do. */
export function formatFigures(figures: readonly Figure[]): string {
  const copies = figures.find(({ what }) => what === 'copy')?.perSecond;
  const lines = figures.map((figure) => {
    const { what, who, batch, stepMs, perSecond, readBytes } = figure;
    const amount = what === 'copy' ? perSecond / 1e9 : perSecond;
    const share =
      readBytes === undefined || copies === undefined ? undefined : readBytes / (stepMs.median / 1000) / copies;
    return [
      what,
      who,
      batch,
      `${stepMs.median.toFixed(2)} (${stepMs.min.toFixed(2)} to ${stepMs.max.toFixed(2)})`,
      `${amount.toFixed(1)} ${UNITS[what]}`,
      ratioToTorch(figure, figures),
      share === undefined ? '' : `${(100 * share).toFixed(0)} %`,
    ];
  });
  const head = ['what', 'who', 'batch', 'ms', 'rate', 'of the best of PyTorch', 'of the memory’s copies'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function ratioToTorch({ what, who, batch, perSecond }: Figure, figures: readonly Figure[]): string {
  if (who.startsWith('PyTorch')) return '';
  const peers = figures.filter((peer) => peer.what === what && peer.batch === batch && peer.who.startsWith('PyTorch'));
  if (peers.length === 0) return '';
  return `${(perSecond / Math.max(...peers.map((peer) => peer.perSecond))).toFixed(2)}x`;
}
