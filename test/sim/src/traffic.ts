import { type Random, zipf } from './random.ts';

/** Who asks, how often, for what. */
export interface Traffic {
  /** Dialogs that begin in a second, on average. */
  readonly dialogsPerSecond: number;
  /** Bursts (a Poisson process with two rates that alternates at random): how many times the calm rate, and mean durations. */
  readonly burst: { readonly factor: number; readonly calmMs: number; readonly burstMs: number };
  /** A day's ups and downs: the rate goes from 1 - `depth` to 1 + `depth` times the mean and back in a period. */
  readonly day: { readonly depth: number; readonly periodMs: number };
  /** Turns of a dialog, geometric. */
  readonly turnsMean: number;
  /** From the end of an answer to the next question, log-normal. */
  readonly thinkMs: LogNormal;
  readonly systemTokens: number;
  readonly questionTokens: LogNormal;
  readonly answerTokens: LogNormal;
  /** A dialog that would grow longer ends. */
  readonly maxContext: number;
  readonly pictures: {
    /** Share of dialogs that are about a picture. */
    readonly share: number;
    /** Share of those whose picture nobody else has. */
    readonly unique: number;
    /** The others' pictures: so many, used by Zipf's law with this exponent. */
    readonly catalog: number;
    readonly exponent: number;
    readonly tokens: number;
  };
}

/** A log-normal distribution: its median, and the sigma of the logarithm. */
interface LogNormal {
  readonly median: number;
  readonly sigma: number;
}

/** What a dialog is about: its picture, and a question and an answer for each turn. */
export interface DialogPlan {
  readonly picture: number | undefined;
  readonly turns: readonly {
    readonly questionTokens: number;
    readonly answerTokens: number;
    readonly thinkMs: number;
  }[];
}

const wholeTokens = (random: Random, { median, sigma }: LogNormal): number =>
  Math.max(2, Math.round(random.logNormal(median, sigma)));

/** Draws dialogs, one after the other. */
export const dialogSource = (traffic: Traffic, random: Random): (() => DialogPlan) => {
  const { share, unique, catalog, exponent, tokens } = traffic.pictures;
  const rank = zipf(catalog, exponent);
  let uniques = catalog;
  const drawPicture = (): number | undefined => {
    if (random.uniform() >= share) return undefined;
    return random.uniform() < unique ? uniques++ : rank(random);
  };
  return () => {
    const picture = drawPicture();
    const count = random.geometric(traffic.turnsMean);
    const turns = [];
    let positions = traffic.systemTokens + (picture === undefined ? 0 : tokens);
    for (let i = 0; i < count; i++) {
      const questionTokens = wholeTokens(random, traffic.questionTokens);
      const answerTokens = wholeTokens(random, traffic.answerTokens);
      positions += questionTokens + answerTokens;
      if (i > 0 && positions > traffic.maxContext) break;
      turns.push({
        questionTokens,
        answerTokens,
        thinkMs: random.logNormal(traffic.thinkMs.median, traffic.thinkMs.sigma),
      });
    }
    return { picture, turns };
  };
};

/** Draws the times between dialogs: told when the last one began, says when the next one does, in milliseconds. */
export const arrivalSource = (traffic: Traffic, random: Random): ((lastMs: number) => number) => {
  const { burst, day } = traffic;
  const meanFactor = (burst.calmMs + burst.factor * burst.burstMs) / (burst.calmMs + burst.burstMs);
  const calmPerMs = traffic.dialogsPerSecond / 1000 / meanFactor;
  const mostPerMs = calmPerMs * burst.factor * (1 + day.depth);
  let isBurst = false;
  let switchMs = random.exponential(burst.calmMs);
  const rateAt = (atMs: number): number => {
    while (switchMs <= atMs) {
      isBurst = !isBurst;
      switchMs += random.exponential(isBurst ? burst.burstMs : burst.calmMs);
    }
    const ofDay = 1 - day.depth * Math.cos((2 * Math.PI * atMs) / day.periodMs);
    return calmPerMs * (isBurst ? burst.factor : 1) * ofDay;
  };
  // Thinning (Lewis and Shedler 1979): candidates at the highest rate, of which those are kept that the rate of their time allows.
  return (lastMs) => {
    let atMs = lastMs;
    do atMs += random.exponential(1 / mostPerMs);
    while (random.uniform() * mostPerMs >= rateAt(atMs));
    return atMs;
  };
};
