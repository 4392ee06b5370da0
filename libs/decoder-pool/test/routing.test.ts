import { describe, expect, it } from 'vitest';
import { type Scenario, simulate } from './simulation.ts';

const SCENARIO: Scenario = {
  pods: 4,
  gateways: 1,
  dialogs: 600,
  systemTokens: 80,
  pictures: 0,
  concurrency: 20,
  policy: 'affinity',
};

describe('dialogs that share a system prompt', () => {
  it('stay where their state is, and spread over the pods', () => {
    const { warmTurns, busiest } = simulate(SCENARIO);
    expect(warmTurns).toBeGreaterThan(0.97);
    expect(busiest).toBeLessThan(1.1);
    expect(simulate({ ...SCENARIO, policy: 'least_loaded' }).warmTurns).toBeLessThan(0.4);
  });

  it('stay there when every turn comes to another gateway', () => {
    const { warmTurns, busiest } = simulate({ ...SCENARIO, gateways: 3 });
    expect(warmTurns).toBeGreaterThan(0.9);
    expect(busiest).toBeLessThan(1.1);
  });

  it('go elsewhere rather than wait where much is going on, and mostly stay all the same', () => {
    const { warmTurns, busiest } = simulate({ ...SCENARIO, concurrency: 58 });
    expect(warmTurns).toBeGreaterThan(0.8);
    expect(busiest).toBeLessThan(1.1);
  });
});

describe('dialogs about pictures', () => {
  it('come together by picture, none of which fills a pod', () => {
    const pictured = { ...SCENARIO, pictures: 100, gateways: 3 };
    const { warmTurns, reusedPositions, busiest } = simulate(pictured);
    expect(warmTurns).toBeGreaterThan(0.9);
    expect(busiest).toBeLessThan(1.3);
    expect(reusedPositions).toBeGreaterThan(simulate({ ...pictured, policy: 'least_loaded' }).reusedPositions + 0.1);
  });
});
