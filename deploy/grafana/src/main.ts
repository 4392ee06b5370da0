/** Writes the dashboards into the chart. */
import { writeFile } from 'node:fs/promises';
import { DASHBOARDS_FOLDER, renderDashboards } from './dashboards.ts';

for (const [name, content] of renderDashboards()) await writeFile(DASHBOARDS_FOLDER + name, content);
