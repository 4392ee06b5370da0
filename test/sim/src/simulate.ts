import { Autoscaler, SCALING_INTERVAL_MS, type ScalingMetric } from './autoscaler.ts';
import { EmbeddingCache } from './embedding-cache.ts';
import { EncodeStage } from './encode-stage.ts';
import { Events } from './events.ts';
import { Random } from './random.ts';
import { Router } from './router.ts';
import { ScaledPods } from './scaled-pods.ts';
import type { Scenario } from './scenario.ts';
import { SimulatedDecoder } from './simulated-decoder.ts';
import { type Outcome, Tally } from './tally.ts';
import { arrivalSource, type DialogPlan, dialogSource } from './traffic.ts';
import type { Turn } from './turn.ts';

/** Plays a scenario until all dialogs have ended. The same scenario comes to the same end. */
export const simulate = (scenario: Scenario): Outcome => new Cluster(scenario).run();

/** A dialog under way. */
interface Dialog {
  readonly number: number;
  readonly plan: DialogPlan;
  /** Prompt positions of the last turn, and with its answer. */
  lastPrompt: number;
  said: number;
}

class Cluster {
  readonly #scenario: Scenario;
  readonly #events = new Events();
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #routers: readonly Router[];
  readonly #cache: EmbeddingCache;
  readonly #encodes: EncodeStage;
  readonly #decoders: SimulatedDecoder[] = [];
  readonly #decoderPods: ScaledPods;
  readonly #visionPods: ScaledPods;
  readonly #dialogs = new Map<number, Dialog>();
  #begun = 0;
  #addresses = 0;

  constructor(scenario: Scenario) {
    const { seed, gateways, startMs, times } = scenario;
    const events = this.#events;
    this.#scenario = scenario;
    this.#random = new Random(seed);
    this.#tally = new Tally(scenario);
    this.#routers = Array.from(
      { length: gateways },
      (_, i) => new Router(scenario.routing, new Random(seed + 1000 + i)),
    );
    this.#cache = new EmbeddingCache(scenario.cache, new Random(seed + 1));
    this.#encodes = new EncodeStage({ ...scenario.encode, gateways }, { times, events, random: new Random(seed + 2) });
    this.#visionPods = new ScaledPods({
      events,
      startMs,
      initial: scenario.visionPods,
      add: () => this.#encodes.addPod(),
      remove: (idle) => this.#encodes.removePod(idle),
    });
    this.#decoderPods = new ScaledPods({
      events,
      startMs,
      initial: scenario.decoders,
      add: () => this.#addDecoder(),
      remove: (idle) => this.#removeDecoder(idle),
    });
  }

  run(): Outcome {
    const { seed, traffic, durationMs, warmUpMs } = this.#scenario;
    const next = arrivalSource(traffic, new Random(seed + 3));
    const draw = dialogSource(traffic, new Random(seed + 4));
    const begin = (atMs: number): void => {
      if (atMs > durationMs) return;
      this.#events.in(atMs - this.#events.nowMs, () => {
        const dialog = { number: this.#begun++, plan: draw(), lastPrompt: 0, said: 0 };
        this.#dialogs.set(dialog.number, dialog);
        this.#ask(dialog, 0);
        begin(next(atMs));
      });
    };
    begin(next(0));
    let before = { ...this.#encodes.counts };
    this.#events.in(warmUpMs, () => {
      before = { ...this.#encodes.counts };
    });
    this.#scaleDecoders();
    this.#scaleVision();
    this.#events.run(durationMs);
    const hours = { decoderHours: this.#decoderPods.hours, visionHours: this.#visionPods.hours };
    this.#events.run();
    const encoded = this.#encodes.counts.encoded - before.encoded;
    return this.#tally.outcome({
      ...hours,
      encoded,
      picturesPerRun: encoded / (this.#encodes.counts.runs - before.runs),
      mostDecoders: this.#decoderPods.most,
      mostVisionPods: this.#visionPods.most,
    });
  }

  #ask(dialog: Dialog, index: number): void {
    const { systemTokens, pictures } = this.#scenario.traffic;
    const { picture, turns } = dialog.plan;
    const said = turns[index];
    if (!said) throw new Error('A dialog went on after its end.');
    const pictureEnd = systemTokens + (picture === undefined ? 0 : pictures.tokens);
    const turn: Turn = {
      dialog: dialog.number,
      index,
      picture,
      systemTokens,
      pictureEnd,
      promptTokens: (index === 0 ? pictureEnd : dialog.said) + said.questionTokens,
      answerTokens: said.answerTokens,
      arrivedMs: this.#events.nowMs,
      reused: 0,
    };
    this.#tally.arrived++;
    if (picture === undefined || this.#isKept(turn, picture)) this.#route(turn);
    else {
      this.#encodes.encode(picture, () => {
        this.#cache.set(picture, this.#events.nowMs);
        this.#route(turn);
      });
    }
  }

  #isKept(turn: Turn, picture: number): boolean {
    const isKept = this.#cache.get(picture, this.#events.nowMs);
    this.#tally.lookedUp(turn, isKept);
    return isKept;
  }

  /** Any gateway gets the turn: load balancers know nothing of dialogs. */
  #route(turn: Turn): void {
    this.#routers[this.#random.below(this.#routers.length)]?.choose(turn).submit(turn);
  }

  #ended(turn: Turn): void {
    this.#tally.ended++;
    const dialog = this.#dialogs.get(turn.dialog);
    if (!dialog) throw new Error('An answer ended that nobody waits for.');
    dialog.lastPrompt = turn.promptTokens;
    dialog.said = turn.promptTokens + turn.answerTokens;
    const next = turn.index + 1;
    if (next === dialog.plan.turns.length) this.#dialogs.delete(turn.dialog);
    else this.#events.in(dialog.plan.turns[next]?.thinkMs ?? 0, () => this.#ask(dialog, next));
  }

  #addDecoder(): void {
    const { decoder, times } = this.#scenario;
    const number = this.#addresses++;
    const address = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}:50051`;
    const observer = {
      began: (turn: Turn) =>
        this.#tally.began(turn, this.#dialogs.get(turn.dialog)?.lastPrompt ?? 0, this.#events.nowMs),
      ended: (turn: Turn) => this.#ended(turn),
    };
    this.#decoders.push(new SimulatedDecoder(address, decoder, { times, events: this.#events, observer }));
    this.#tellRouters();
  }

  #removeDecoder(idle: () => void): void {
    const decoder = this.#decoders.pop();
    this.#tellRouters();
    decoder?.drain(idle);
  }

  #tellRouters(): void {
    for (const router of this.#routers) router.update(this.#decoders);
  }

  #scaleDecoders(): void {
    const scaling = this.#scenario.decoderScaling;
    if (!scaling) return;
    this.#scale(this.#decoderPods, new Autoscaler(scaling), () => {
      const sum = (of: (decoder: SimulatedDecoder) => number) => this.#decoders.reduce((s, d) => s + of(d), 0);
      return [
        { sum: sum(({ waiting }) => waiting), target: scaling.waitingTarget },
        { sum: sum(({ running, slots }) => running / slots), target: scaling.busySlotsTarget },
        { sum: sum(({ kvUsage }) => kvUsage), target: scaling.kvTarget },
      ];
    });
  }

  #scaleVision(): void {
    const { visionScaling: scaling, times, encode } = this.#scenario;
    if (!scaling) return;
    const secondsEach = times.encodeMs(encode.maxBatch) / encode.maxBatch / 1000;
    // As a rate over a minute that is scraped every 15 s.
    const busyMs: number[] = [0];
    this.#scale(this.#visionPods, new Autoscaler(scaling), () => {
      const { queued, atPods } = this.#encodes;
      const pictures = queued + (scaling.counts === 'queue' ? 0 : atPods);
      busyMs.push(this.#encodes.busyMs);
      const busy = ((busyMs.at(-1) ?? 0) - (busyMs.at(-5) ?? 0)) / (4 * SCALING_INTERVAL_MS);
      const backlog = { sum: pictures * secondsEach, target: scaling.backlogSecondsTarget };
      return scaling.busyTarget === undefined ? [backlog] : [backlog, { sum: busy, target: scaling.busyTarget }];
    });
  }

  /** Looks again and again while there are dialogs; what it sees is half an interval old, as Prometheus has read it. */
  #scale(pods: ScaledPods, autoscaler: Autoscaler, read: () => readonly ScalingMetric[]): void {
    this.#events.in(SCALING_INTERVAL_MS / 2, () => {
      const metrics = read();
      this.#events.in(SCALING_INTERVAL_MS / 2, () => {
        pods.scaleTo(autoscaler.look(this.#events.nowMs, pods.wanted, metrics));
        const isOver = this.#events.nowMs > this.#scenario.durationMs && this.#dialogs.size === 0;
        if (!isOver) this.#scale(pods, autoscaler, read);
      });
    });
  }
}
