/** What is asked. */
export interface LoadShape {
  /** At least so many; what would not fill a dialog does. */
  readonly requests: number;
  /** Questions of a dialog. */
  readonly turns: number;
  /** Pictures that the first question of a dialog brings. */
  readonly pictures: number;
  /** Share of pictures, from 0 to 1, that an earlier dialog has brought already. */
  readonly reuse: number;
}

/** The pictures of one dialog, by number. */
export interface DialogPlan {
  readonly pictures: readonly number[];
}

/**
 * Dialogs with pictures, of which some are new, with the next number, and some have been before.
 *
 * @param random numbers in [0, 1)
 */
export function planDialogs(shape: LoadShape, random: () => number): readonly DialogPlan[] {
  const { requests, turns, pictures, reuse } = shape;
  let seen = 0;
  let brought = 0;
  return Array.from({ length: Math.ceil(requests / turns) }, () => {
    const before = seen;
    const own: number[] = [];
    for (let i = 0; i < pictures; i++) {
      brought++;
      // As soon as the share allows it, so that any beginning of the load has the share that was asked for.
      const old = seen <= (1 - reuse) * (brought - 1) ? undefined : unused(before, own, random);
      own.push(old ?? seen++);
    }
    return { pictures: own };
  });
}

/** One of the first `count` pictures that the dialog does not have yet. */
function unused(count: number, own: readonly number[], random: () => number): number | undefined {
  const free = Array.from({ length: count }, (_, picture) => picture).filter((picture) => !own.includes(picture));
  return free[Math.floor(random() * free.length)];
}
