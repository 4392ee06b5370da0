import type { Precision } from '@eidetic/bundle';
import { Contender } from '../contender.ts';
import { bundleOf } from '../decoders.ts';
import type { EideticSoakOptions } from '../peers/eidetic-soak.ts';
import type { SoakPeer, SoakReport } from '../peers/protocol.ts';
import { type Measurement, OURS } from '../report.ts';
import type { Suite } from '../suite.ts';

const PRECISION: Precision = 'int8';
const GENERATIONS = 20_000;
const SLOTS = 8;
const CALLERS = 24;

/** Thousands of short generations of which many are left early: what stays behind. */
export const soakSuite: Suite = {
  name: 'soak',
  async run(context) {
    const { directory: bundleDirectory } = await bundleOf(context, PRECISION);
    const options: EideticSoakOptions = { bundleDirectory, threads: context.threads, slots: SLOTS };
    await using peer = await Contender.start<SoakPeer>(OURS, 'eidetic-soak', options);
    const report = await peer.call('soak', { generations: GENERATIONS, callers: CALLERS });
    const { finished, left, failed, outcomes, load, ms } = report;
    const { stop = 0, length = 0, cancelled = 0, ...failures } = outcomes;
    const broken = Object.values(failures).reduce((sum, count) => sum + count, 0);
    return {
      name: 'soak',
      title: `${GENERATIONS} short generations by ${CALLERS} callers on ${SLOTS} slots, ${PRECISION} weights`,
      facts: {
        'callers say: finished, left, failed': `${finished}, ${left}, ${failed}`,
        'engine says: finished, cancelled, failed': `${stop + length}, ${cancelled}, ${broken}`,
        'started less ended': GENERATIONS - (stop + length + cancelled + broken),
        'still running, still waiting': `${load.running}, ${load.waiting}`,
        'growth of what JavaScript holds, bytes for each generation': slope(report, ({ liveBytes }) => liveBytes),
        'growth of resident memory over the last half, bytes for each generation': slope(
          { ...report, memory: report.memory.slice(report.memory.length / 2) },
          ({ residentBytes }) => residentBytes,
        ),
        'seconds in all': ms / 1000,
      },
      measurements: [
        along('resident memory, MB, along the way', report, ({ residentBytes }) => residentBytes),
        along('held by JavaScript, MB, along the way', report, ({ liveBytes }) => liveBytes),
      ],
    };
  },
};

type Point = SoakReport['memory'][number];

const along = (metric: string, { memory }: SoakReport, of: (point: Point) => number): Measurement => ({
  contender: OURS,
  metric,
  better: 'lower',
  samples: memory.map((point) => of(point) / 1e6),
});

/** Least squares through memory over generations, the first tenth left out: caches fill and code is compiled in it. */
function slope({ memory }: SoakReport, of: (point: Point) => number): number {
  const points = memory.filter(({ generations }) => generations >= GENERATIONS / 10);
  const mean = (what: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + what(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ generations }) => generations), mean(of)];
  const covariance = mean((point) => (point.generations - meanX) * (of(point) - meanY));
  return covariance / mean(({ generations }) => (generations - meanX) ** 2);
}
