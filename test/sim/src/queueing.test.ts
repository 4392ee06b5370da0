import { describe, expect, it } from 'vitest';
import { EncodeStage } from './encode-stage.ts';
import { Events } from './events.ts';
import { Random } from './random.ts';
import type { ServiceTimes } from './service-times.ts';
import { SimulatedDecoder } from './simulated-decoder.ts';
import type { Turn } from './turn.ts';

const ARRIVALS = 400_000;

/** A prompt takes no time, a token and a picture one millisecond each. */
const TIMES: ServiceTimes = { encodeMs: (n) => n, prefillMs: () => 0, stepMs: () => 1, overheadMs: 0 };

const turnOf = (dialog: number, arrivedMs: number, answerTokens: number): Turn => {
  const none = { index: 0, picture: undefined, systemTokens: 0, pictureEnd: 0, reused: 0 };
  return { ...none, dialog, arrivedMs, promptTokens: 10, answerTokens };
};

/** Arrivals of a Poisson process with a mean distance; calls `arrive` for each. */
const poisson = (events: Events, random: Random, meanMs: number, arrive: (i: number) => void): void => {
  const next = (i: number): void => {
    if (i === ARRIVALS) return;
    events.in(random.exponential(meanMs), () => {
      arrive(i);
      next(i + 1);
    });
  };
  next(0);
};

/** Mean wait in M/M/c (Erlang C) in units of the mean service time. */
const erlangWait = (servers: number, load: number): number => {
  let inverse = 1;
  for (let k = 1; k <= servers; k++) inverse = 1 + (inverse * k) / (servers * load);
  const blocked = 1 / inverse;
  const waits = blocked / (1 - load * (1 - blocked));
  return waits / (servers * (1 - load));
};

/** The same in M/D/c, approximately (Cosmetatos 1976). */
const deterministicWait = (servers: number, load: number): number => {
  const correction = ((1 - load) * (servers - 1) * (Math.sqrt(4 + 5 * servers) - 2)) / (16 * load * servers);
  return (erlangWait(servers, load) * (1 + correction)) / 2;
};

describe('a decoder with one slot and answers of random length', () => {
  it.each([0.5, 0.8])('makes turns wait as an M/M/1 queue does, at load %d', (load) => {
    const [events, random] = [new Events(), new Random(11)];
    let waitedMs = 0;
    const decoder = new SimulatedDecoder(
      'a',
      { slots: 1, maxContext: 1000, prefillShare: 0.5 },
      {
        times: TIMES,
        events,
        observer: { began: (turn) => (waitedMs += events.nowMs - turn.arrivedMs), ended: () => {} },
      },
    );
    const answer = () => 1 + random.exponential(100);
    poisson(events, random, 100 / load, (i) => decoder.submit(turnOf(i, events.nowMs, answer())));
    events.run();
    const theory = (100 * load) / (1 - load);
    expect(Math.abs(waitedMs / ARRIVALS / theory - 1)).toBeLessThan(0.05);
  });
});

describe('vision pods that take one picture at a time', () => {
  it.each([
    [1, 0.7],
    [4, 0.8],
    [10, 0.9],
  ])('make pictures wait as an M/D/c queue does: %i of them, at load %d', (pods, load) => {
    const [events, random] = [new Events(), new Random(12)];
    const options = { gateways: 1, maxBatch: 1, inFlight: pods, lingerMs: 0 };
    const stage = new EncodeStage(options, {
      times: { ...TIMES, encodeMs: () => 100 },
      events,
      random: new Random(13),
    });
    for (let i = 0; i < pods; i++) stage.addPod();
    let waitedMs = 0;
    poisson(events, random, 100 / (load * pods), (picture) => {
      const fromMs = events.nowMs;
      stage.encode(picture, () => {
        waitedMs += events.nowMs - fromMs - 100;
      });
    });
    events.run();
    expect(Math.abs(waitedMs / ARRIVALS / (100 * deterministicWait(pods, load)) - 1)).toBeLessThan(0.05);
  });
});

describe('a batch', () => {
  it('waits for company as long as it lingers, and no longer once it is full', () => {
    const events = new Events();
    const options = { gateways: 1, maxBatch: 2, inFlight: 4, lingerMs: 50 };
    const stage = new EncodeStage(options, { times: { ...TIMES, encodeMs: () => 10 }, events, random: new Random(1) });
    stage.addPod();
    const endedMs = new Map<number, number>();
    const add = (picture: number) => stage.encode(picture, () => endedMs.set(picture, events.nowMs));
    add(1);
    events.in(100, () => add(2));
    events.in(120, () => add(3));
    events.run();
    expect([...endedMs]).toEqual([
      [1, 60],
      [2, 130],
      [3, 130],
    ]);
  });

  it('has a picture once, however many ask for it', () => {
    const events = new Events();
    const options = { gateways: 2, maxBatch: 8, inFlight: 4, lingerMs: 0 };
    const stage = new EncodeStage(options, { times: TIMES, events, random: new Random(1) });
    stage.addPod();
    let told = 0;
    for (let i = 0; i < 5; i++) stage.encode(9, () => told++);
    events.run();
    expect(told).toBe(5);
    expect(stage.counts).toEqual({ encoded: 1, runs: 1 });
  });
});
