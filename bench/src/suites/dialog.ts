import type { Precision } from '@eidetic/bundle';
import { Contender } from '../contender.ts';
import { bundleOf } from '../decoders.ts';
import type { EideticDialogOptions } from '../peers/eidetic-dialog.ts';
import type { DialogJob, DialogPeer, Turns } from '../peers/protocol.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite } from '../suite.ts';

const PRECISION: Precision = 'int8';
const JOB: Omit<DialogJob, 'round'> = { imageTokens: 256, textTokens: 30, answerTokens: 40 };
const COPIED = [4, 16, 64, 256, 1024];

/** The second turn of a dialog about a picture against the first, and a prefix that is copied against one that is computed. */
export const dialogSuite: Suite = {
  name: 'dialog',
  async run(context) {
    const { directory: bundleDirectory } = await bundleOf(context, PRECISION);
    const options: EideticDialogOptions = { bundleDirectory, threads: context.threads, contextSize: 2048 };
    await using peer = await Contender.start<DialogPeer>(OURS, 'eidetic-dialog', options);
    let last: Turns | undefined;
    const first = 'first token of the first turn, ms';
    const figure = (metric: string, of: (turns: Turns) => number): Probe => ({
      contender: OURS,
      metric,
      better: 'lower',
      async measure(round) {
        if (metric === first) last = await peer.call('turns', { ...JOB, round });
        return last ? of(last) : Number.NaN;
      },
    });
    const copies = COPIED.flatMap((positions) =>
      (['computed', 'copied'] as const).map(
        (how): Probe => ({
          contender: OURS,
          metric: `${positions} positions ${how}, ms`,
          better: 'lower',
          async measure() {
            const { computeMs, copyMs } = await peer.call('move', positions);
            return how === 'copied' ? copyMs : computeMs;
          },
        }),
      ),
    );
    const measurements = await alternate(
      [
        figure(first, ({ firstMs }) => firstMs),
        figure('first token of the second turn, ms', ({ secondMs }) => secondMs),
        figure('second turn, share of the first', ({ firstMs, secondMs }) => secondMs / firstMs),
        figure('positions computed for the first turn', ({ firstComputed }) => firstComputed),
        figure('positions computed for the second turn', ({ secondComputed }) => secondComputed),
        ...copies,
      ],
      context.rounds,
    );
    return {
      name: 'dialog',
      title: `Turns of a dialog, ${PRECISION} weights, ${context.threads} threads, the engine alone`,
      facts: {
        'positions of the picture': JOB.imageTokens,
        'tokens of each question': JOB.textTokens,
        'tokens of the answer': JOB.answerTokens,
      },
      measurements,
    };
  },
};
