// Renders deploy/helm/eidetic/golden and the table of its README anew, to be looked at and committed.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART } from './chart.ts';
import { generatedFiles } from './generated.ts';

for (const [path, text] of Object.entries(await generatedFiles())) await writeFile(join(CHART, path), text);
