import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Dashboard as GrafanaDashboard,
  type Panel as GrafanaPanel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Dashboard, Panel } from './panel.ts';

/** On every dashboard, by which they link to each other. */
const TAG = 'eidetic';
/** Chosen on the page. */
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const GRID_WIDTH = 24;
const STAT_HEIGHT = 4;
const LINES_HEIGHT = 8;

const queriesOf = ({ queries }: Panel): Builder<Dataquery>[] =>
  queries.map(({ expr, legend, exemplars = false }, i) =>
    new DataqueryBuilder()
      .refId(String.fromCharCode(65 + i))
      .datasource(DATASOURCE)
      .expr(expr)
      .exemplar(exemplars)
      .legendFormat(legend),
  );

/** Numbers stand side by side; pictures with lines in twos or threes, whichever leaves no gap. */
const spanOf = ({ kind }: Panel, inRow: number): number => {
  if (kind === 'stat') return GRID_WIDTH / inRow;
  return inRow % 3 !== 0 && inRow % 2 === 0 ? GRID_WIDTH / 2 : GRID_WIDTH / 3;
};

const panelOf = (panel: Panel, id: number, inRow: number): Builder<GrafanaPanel> => {
  const { title, description, unit, kind, stacked = false } = panel;
  if (kind === 'stat') {
    const stat = new StatBuilder().id(id).title(title).description(description).datasource(DATASOURCE);
    return stat
      .unit(unit)
      .targets(queriesOf(panel))
      .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
      .span(spanOf(panel, inRow))
      .height(STAT_HEIGHT);
  }
  const lines = new TimeSeriesBuilder().id(id).title(title).description(description).datasource(DATASOURCE);
  return lines
    .unit(unit)
    .min(0)
    .targets(queriesOf(panel))
    .span(spanOf(panel, inRow))
    .height(LINES_HEIGHT)
    .fillOpacity(stacked ? 30 : 5)
    .stacking(new StackingConfigBuilder().mode(stacked ? StackingMode.Normal : StackingMode.None))
    .legend(new VizLegendOptionsBuilder().showLegend(true).calcs(['lastNotNull']));
};

const alerts = new AnnotationQueryBuilder()
  .name('Alerts')
  .datasource(DATASOURCE)
  .enable(true)
  .iconColor('red')
  .expr('ALERTS{alertname=~"Eidetic.*", alertstate="firing", namespace=~"$namespace|"}')
  .titleFormat('{{alertname}}')
  .textFormat('{{severity}} {{namespace}} {{instance}}')
  .step('60s');

const others = new DashboardLinkBuilder('Eidetic')
  .type(DashboardLinkType.Dashboards)
  .tags([TAG])
  .includeVars(true)
  .keepTime(true);

const namespaces = new QueryVariableBuilder('namespace')
  .label('Namespace')
  .description('Where Eidetic is installed; All, where Prometheus knows no namespaces.')
  .datasource(DATASOURCE)
  .query('label_values(eidetic_build_info, namespace)')
  .refresh(VariableRefresh.OnTimeRangeChanged)
  .multi(true)
  .includeAll(true)
  .allValue('.*');

const datasources = new DatasourceVariableBuilder('datasource')
  .label('Prometheus')
  .description('Which Prometheus watches Eidetic.')
  .type('prometheus');

/** A dashboard as Grafana reads it. */
export const buildDashboard = ({ uid, title, description, rows }: Dashboard): GrafanaDashboard => {
  const page = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(datasources)
    .withVariable(namespaces)
    .annotation(alerts)
    .link(others);
  let id = 1;
  for (const row of rows) {
    page.withRow(new RowBuilder(row.title).id(id++));
    for (const panel of row.panels) page.withPanel(panelOf(panel, id++, row.panels.length));
  }
  return page.build();
};
