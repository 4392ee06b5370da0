import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CHART,
  KUBERNETES_VERSIONS,
  PROFILES,
  parseObjects,
  type Rendering,
  renderText,
  runHelm,
  schemas,
  tool,
  WITHOUT_HELM,
} from './chart.ts';
import { FEATURES, NEW_FEATURES } from './features.ts';

const run = promisify(execFile);
const LONG = 120_000;
const [OLDEST, CURRENT] = KUBERNETES_VERSIONS;

const kubeconform = tool('kubeconform');
const schemaFolder = schemas();
const linter = tool('kube-linter');

/** Values of several features together, deep. */
const merge = (...all: readonly object[]): object =>
  all.reduce<Record<string, unknown>>((merged, values) => {
    for (const [key, value] of Object.entries(values)) {
      const before = merged[key];
      const both = [before, value].every((each) => typeof each === 'object' && each !== null && !Array.isArray(each));
      merged[key] = both ? merge(before as object, value) : value;
    }
    return merged;
  }, {});

describe.skipIf(WITHOUT_HELM !== '')(`the chart, to the tools of others${WITHOUT_HELM}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eidetic-chart-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What kubeconform has to say against renderings. */
  const complaints = async (renderings: readonly Rendering[], kubernetes: string): Promise<readonly unknown[]> => {
    const files = await Promise.all(
      renderings.map(async (rendering, i) => {
        const file = join(folder, `${kubernetes}-${i}.yaml`);
        await writeFile(file, await renderText({ ...rendering, kubernetes }));
        return file;
      }),
    );
    const locations = [`v${kubernetes}`, 'crds'].flatMap((part) => [
      '-schema-location',
      `${schemaFolder}/${part}/{{.Group}}_{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`,
    ]);
    const checked = run(`${kubeconform}`, ['-strict', '-output', 'json', ...locations, ...files], {
      maxBuffer: 64 << 20,
    });
    const { stdout } = await checked.catch((failure: { stdout: string }) => failure);
    return JSON.parse(stdout).resources ?? [];
  };

  it.each(PROFILES)('passes helm lint --strict as values-%s.yaml', async (profile) => {
    expect(await runHelm(['lint', '--strict'], { profile })).toContain('0 chart(s) failed');
  });

  describe.skipIf(!kubeconform || !schemaFolder)('kubeconform', () => {
    it.each(KUBERNETES_VERSIONS)(
      'finds no field that Kubernetes %s or an operator does not have, in any profile and with any feature',
      async (kubernetes) => {
        const features = { ...FEATURES, ...(kubernetes === OLDEST ? {} : NEW_FEATURES) };
        const renderings = [
          {},
          ...PROFILES.map((profile) => ({ profile })),
          ...Object.values(features).map((values) => ({ values })),
        ];
        expect(await complaints(renderings, kubernetes)).toEqual([]);
      },
      LONG,
    );

    it('would find a field that does not exist, and a kind of which it has no schema', async () => {
      const text = await renderText({ profile: 'production' });
      const check = async (from: string | RegExp, to: string): Promise<string> => {
        const file = join(folder, 'wrong.yaml');
        await writeFile(file, text.replace(from, to));
        const location = (part: string) =>
          `${schemaFolder}/${part}/{{.Group}}_{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`;
        const options = ['-schema-location', location(`v${CURRENT}`), '-schema-location', location('crds')];
        const failed = run(`${kubeconform}`, ['-strict', ...options, file]);
        return failed.then(
          ({ stdout }) => stdout,
          (failure: { stdout: string }) => failure.stdout,
        );
      };
      expect(await check('minReadySeconds', 'minReadySecond')).toContain('minReadySecond');
      expect(await check('pollingInterval', 'pollInterval')).toContain('pollInterval');
      expect(await check('kind: PodMonitor', 'kind: PodMonitors')).toContain('could not find schema');
    });
  });

  it(
    'renders whatever features are on together',
    async () => {
      const names = Object.keys({ ...FEATURES, ...NEW_FEATURES });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(undefined, ...PROFILES), fc.subarray(names), async (profile, chosen) => {
          const values = merge(...chosen.map((name) => ({ ...FEATURES, ...NEW_FEATURES })[name] ?? {}));
          const objects = parseObjects(await renderText({ profile, values }));
          const keys = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
          expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
        }),
        { numRuns: Number(process.env.EIDETIC_CHART_RUNS ?? 40) },
      );
    },
    LONG,
  );

  it.skipIf(!linter)('passes kube-linter, but for what deploy/helm/kube-linter.yaml explains', async () => {
    const files = PROFILES.map(async (profile) => {
      const file = join(folder, `${profile}.yaml`);
      await writeFile(file, await renderText({ profile }));
      return file;
    });
    const config = join(CHART, '../kube-linter.yaml');
    const checked = run(`${linter}`, ['lint', '--format', 'json', '--config', config, ...(await Promise.all(files))]);
    const { stdout } = await checked.catch((failure: { stdout: string }) => failure);
    expect(JSON.parse(stdout)).toMatchObject({ Summary: { ChecksStatus: 'Passed' }, Reports: null });
  });
});
