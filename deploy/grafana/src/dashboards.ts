import { fileURLToPath } from 'node:url';
import { buildDashboard } from './build-dashboard.ts';
import { AUTOSCALING } from './dashboards/autoscaling.ts';
import { CACHES } from './dashboards/caches.ts';
import { DECODERS } from './dashboards/decoders.ts';
import { OVERVIEW } from './dashboards/overview.ts';
import { PICTURES } from './dashboards/pictures.ts';
import { QUEUE } from './dashboards/queue.ts';

/** Every dashboard. */
export const DASHBOARDS = [OVERVIEW, PICTURES, CACHES, DECODERS, QUEUE, AUTOSCALING];

/** Where the chart has them. */
export const DASHBOARDS_FOLDER = fileURLToPath(new URL('../../helm/eidetic/files/dashboards/', import.meta.url));

/** The content of each file, by its name. */
export const renderDashboards = (): ReadonlyMap<string, string> =>
  new Map(
    DASHBOARDS.map((dashboard) => [`${dashboard.uid}.json`, `${JSON.stringify(buildDashboard(dashboard), null, 1)}\n`]),
  );
