export { percentile } from './percentile.ts';
export { planDialogs } from './plan-dialogs.ts';
export { runLoad } from './run-load.ts';
export { type LoadSummary, type Quantiles, summariseLoad } from './summarise-load.ts';
export { timedEvents } from './timed-events.ts';
export { responseText, timedPost } from './timed-post.ts';
