/** A question to Prometheus, and what its lines are called. */
export interface Query {
  readonly expr: string;
  /** With `{{label}}` for the value of a label. */
  readonly legend: string;
  /** Whether exemplars of the histogram that is asked lie over the lines, each leading to a trace. */
  readonly exemplars?: boolean;
}

/** One picture of a dashboard. */
export interface Panel {
  readonly title: string;
  /** What it shows, and what to make of it. */
  readonly description: string;
  /** As Grafana calls it: `s`, `percentunit`, `reqps`, `short` … */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** `stat`: the last value as a number; otherwise lines over time. */
  readonly kind?: 'stat';
  /** Whether lines lie on top of each other, as parts of a whole. */
  readonly stacked?: boolean;
}

/** A page of them. */
export interface Dashboard {
  /** Of its file and its address. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}
