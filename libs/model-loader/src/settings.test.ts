import { availableParallelism } from 'node:os';
import { isAbsolute } from 'node:path';
import { loadConfig } from '@eidetic/config';
import { expect, it } from 'vitest';
import { MODEL_SETTINGS, modelPlanOf } from './settings.ts';

it('plans to serve the embedded model on all cores, when nothing is set', () => {
  const plan = modelPlanOf(loadConfig(MODEL_SETTINGS, {}));
  expect(plan.modelName).toBe('qwen-vl-nano-chat');
  expect(isAbsolute(plan.modelDirectory)).toBe(true);
  expect(plan.threads).toBe(availableParallelism());
});

it('takes absolute folders as they are and names the model after its folder', () => {
  const config = loadConfig(MODEL_SETTINGS, { EIDETIC_MODEL: '/models/qwen-vl-chat/', EIDETIC_THREADS: '3' });
  expect(modelPlanOf(config)).toMatchObject({
    modelDirectory: '/models/qwen-vl-chat',
    modelName: 'qwen-vl-chat',
    threads: 3,
  });
});
