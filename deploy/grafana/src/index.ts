export { ALERTS_FOLDER, type Rule, type RuleFile, readRuleFiles, rulesOf } from './alerts.ts';
export { DASHBOARDS } from './dashboards.ts';
export type { LabelMatcher } from './selectors.ts';
export { referencesOf } from './selectors.ts';
