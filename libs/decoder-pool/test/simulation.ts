import type { PromptSegment } from '@eidetic/core';
import { choosePod, type PodLoad } from '../src/choose-pod.ts';
import { PrefixIndex } from '../src/prefix-index.ts';
import { promptBlocks } from '../src/prompt-blocks.ts';

/** Who talks, about what, to how many. */
export interface Scenario {
  readonly pods: number;
  readonly gateways: number;
  /** Dialogs that begin, one after the other; each has four turns. */
  readonly dialogs: number;
  /** Positions of the system prompt that all dialogs begin with. */
  readonly systemTokens: number;
  /** Pictures that dialogs are about, the first ones more often (Zipf); 0: dialogs without a picture. */
  readonly pictures: number;
  /** Dialogs at the same time. */
  readonly concurrency: number;
  /** `affinity` is what the pool does; the others are what it is compared with. */
  readonly policy: 'affinity' | 'least_loaded' | 'random';
}

/** What came of it. */
export interface Outcome {
  /** Share of the second and later turns that went where the whole last prompt was. */
  readonly warmTurns: number;
  /** Share of all prompt positions that were computed before where they were needed. */
  readonly reusedPositions: number;
  /** Requests of the pod that got most, over the mean. */
  readonly busiest: number;
}

const TURNS = 4;
const SLOTS = 8;

/** A sequence of random numbers in [0, 1) that is always the same (mulberry32). */
const randomNumbers = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const POSITIONS_OF_PICTURE = 256;

/** Blocks with the positions that each of them has. */
const weigh = (prompt: readonly PromptSegment[]): readonly (readonly [number, number])[] => {
  const blocks = promptBlocks(prompt);
  const pictureAt = prompt.some(({ kind }) => kind === 'image') ? promptBlocks(prompt.slice(0, 2)).length - 1 : -1;
  return blocks.map((block, i) => [block, i === pictureAt ? POSITIONS_OF_PICTURE : 8]);
};

/** Prompts of one dialog, turn by turn. */
const dialogOf = (random: () => number, { systemTokens, pictures }: Scenario) => {
  const words = (count: number): number[] => Array.from({ length: count }, () => Math.floor(random() * 50_000));
  const system = Array.from({ length: systemTokens }, (_, i) => i);
  const rank = Math.floor(pictures ** random());
  const key = `encoder:${rank}`;
  let text = words(12 + Math.floor(random() * 20));
  let turn = 0;
  return (): readonly PromptSegment[] => {
    if (turn++ > 0) text = [...text, ...words(60 + Math.floor(random() * 60))];
    const picture = pictures === 0 ? [] : [{ kind: 'image', key, tokens: POSITIONS_OF_PICTURE } as const];
    return [{ kind: 'tokens', ids: system }, ...picture, { kind: 'tokens', ids: text }];
  };
};

interface SimulatedPod extends PodLoad {
  requests: number;
  served: number;
  /** Blocks that it has computed: all of them are kept. */
  readonly memory: Set<number>;
}

/** Where a prompt goes under a policy; under `affinity` by way of any gateway, all of which know how busy pods are. */
const chooser = ({ gateways, policy }: Scenario, pods: readonly SimulatedPod[], random: () => number) => {
  const any = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('There is none.');
    return item;
  };
  const indexes = Array.from({ length: gateways }, () => new PrefixIndex(2 ** 16));
  return (prompt: readonly PromptSegment[]): SimulatedPod => {
    if (policy === 'random') return any(pods);
    const least = Math.min(...pods.map(({ requests }) => requests));
    if (policy === 'least_loaded') return any(pods.filter(({ requests }) => requests === least));
    const index = any(indexes);
    const blocks = promptBlocks(prompt);
    const pod = choosePod(pods, index.lookUp(blocks, pods.length))?.pod ?? any(pods);
    index.record(blocks, pod.address);
    return pod;
  };
};

/** Serves prompts, and counts. */
const server = (scenario: Scenario, random: () => number) => {
  const pods = Array.from({ length: scenario.pods }, (_, i): SimulatedPod => {
    return { address: `10.0.0.${i}:1`, slots: SLOTS, requests: 0, served: 0, memory: new Set() };
  });
  const choose = chooser(scenario, pods, random);
  const sums = { later: 0, warm: 0, positions: 0, reused: 0 };
  const serve = (prompt: readonly PromptSegment[], last: readonly number[]): SimulatedPod => {
    const pod = choose(prompt);
    pod.requests++;
    pod.served++;
    if (last.length > 0) sums.later++;
    if (last.length > 0 && last.every((block) => pod.memory.has(block))) sums.warm++;
    for (const [block, positions] of weigh(prompt)) {
      sums.positions += positions;
      if (pod.memory.has(block)) sums.reused += positions;
      pod.memory.add(block);
    }
    return pod;
  };
  const outcome = (): Outcome => ({
    warmTurns: sums.warm / sums.later,
    reusedPositions: sums.reused / sums.positions,
    busiest:
      (Math.max(...pods.map(({ served }) => served)) * pods.length) / pods.reduce((n, { served }) => n + served, 0),
  });
  return { serve, outcome };
};

/** One dialog after the other. A request takes two steps of time, and its reader thinks for one to four. */
const reader = (
  scenario: Scenario,
  serve: ReturnType<typeof server>['serve'],
  random: () => number,
  begin: () => void,
) => {
  let next = dialogOf(random, scenario);
  let pod: SimulatedPod | undefined;
  let last: readonly number[] = [];
  let turns = 0;
  let wakes = Math.floor(random() * 7);
  return (step: number): void => {
    if (step !== wakes) return;
    if (!pod) {
      const prompt = next();
      pod = serve(prompt, last);
      last = promptBlocks(prompt);
      turns++;
      wakes = step + 2;
      return;
    }
    pod.requests--;
    pod = undefined;
    wakes = step + 1 + Math.floor(random() * 4);
    if (turns < TURNS) return;
    begin();
    next = dialogOf(random, scenario);
    last = [];
    turns = 0;
  };
};

/** Plays a scenario. */
export const simulate = (scenario: Scenario): Outcome => {
  const random = randomNumbers(7);
  const { serve, outcome } = server(scenario, random);
  let begun = 0;
  const begin = (): void => {
    begun++;
  };
  const readers = Array.from({ length: scenario.concurrency }, () => reader(scenario, serve, random, begin));
  for (let step = 0; begun < scenario.dialogs; step++) for (const goOn of readers) goOn(step);
  return outcome();
};
