// What all dashboards have in common: how a metric of the chosen daemons is asked
// for, the variables, the annotations, and the panels' looks.

import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';

const SOURCE = { type: 'prometheus', uid: '${datasource}' };

// A metric of the daemons that were chosen; `labels` as PromQL has them.
export function of(metric, labels = '') {
  return `${metric}{job=~"$job",instance=~"$instance"${labels && ','}${labels}}`;
}

// How much a counter grows in a second; summed over what is not named in `by`.
export function rate(metric, by = 'instance', labels = '') {
  return `sum by (${by}) (rate(${of(metric, labels)}[$__rate_interval]))`;
}

export function quantile(q, histogram, by = 'instance', labels = '') {
  return `histogram_quantile(${q}, sum by (${by}, le) (rate(${of(`${histogram}_bucket`, labels)}[$__rate_interval])))`;
}

// For series that are there only while there is something to tell.
export function orZero(expression) {
  return `${expression} or vector(0)`;
}

function targets(panel, queries) {
  queries.forEach(([expr, legend, format], n) => {
    const target = new prometheus.DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + n))
      .datasource(SOURCE)
      .expr(expr)
      .legendFormat(legend ?? '{{instance}}');
    if (format === 'heatmap') target.format(prometheus.PromQueryFormat.Heatmap).instant();
    panel.withTarget(target);
  });
  return panel;
}

function base(panel, title, description, unit, queries) {
  return targets(
    panel.title(title).description(description).unit(unit).datasource(SOURCE),
    queries);
}

// Lines over time, half as wide as the page. `queries`: [expression, legend].
export function lines(title, description, unit, ...queries) {
  return base(new TimeSeries(), title, description, unit, queries)
    .height(8).span(12)
    .lineWidth(1).fillOpacity(8)
    .showPoints(common.VisibilityMode.Never)
    .legend(new common.VizLegendOptionsBuilder()
      .showLegend(true)
      .displayMode(common.LegendDisplayMode.List)
      .placement(common.LegendPlacement.Bottom))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi));
}

// One number.
export function figure(title, description, unit, ...queries) {
  return base(new Stat(), title, description, unit, queries).height(4).span(4);
}

// How many are in each bucket of a histogram, as it is now.
export function buckets(title, description, unit, expression) {
  return base(new BarGauge(), title, description, unit, [[expression, '{{le}}', 'heatmap']])
    .height(8).span(12);
}

function variables(board) {
  const choice = (name, label, query) => new dashboard.QueryVariableBuilder(name)
    .label(label)
    .query({ query, refId: name })
    .datasource(SOURCE)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
  return board
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource')
      .label('Data source')
      .type('prometheus')
      .current({ selected: true, text: 'Prometheus', value: 'prometheus' }))
    .withVariable(choice('job', 'Job', 'label_values(taud_build_info, job)'))
    .withVariable(choice('instance', 'Instance', 'label_values(taud_build_info{job=~"$job"}, instance)'));
}

// What happened to snapshots, from the metrics.
const EVENTS = [
  ['Swaps', 'green', `changes(${of('taud_snapshot_version')}[$__rate_interval]) > 0`],
  ['Rejections', 'orange', `increase(${of('taud_snapshot_rejected_total')}[$__rate_interval]) > 0`],
  ['Roll-backs', 'red',
    `increase(${of('taud_snapshot_automatic_rollbacks_total')}[$__rate_interval]) > 0`
    + ` or (changes(${of('taud_snapshot_pinned_version')}[$__rate_interval]) > 0 and ${of('taud_snapshot_pinned_version')} > 0)`],
];

function annotations(board) {
  for (const [name, color, expression] of EVENTS) {
    board.annotation(new dashboard.AnnotationQueryBuilder()
      .name(name)
      .datasource(SOURCE)
      .enable(name !== 'Swaps')
      .iconColor(color)
      .expr(expression));
  }
  return board;
}

// A dashboard of rows: [title, panel, …].
export function board(uid, title, description, ...rows) {
  const built = annotations(variables(new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['taud'])
    .readonly()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .link(new dashboard.DashboardLinkBuilder('taud')
      .type(dashboard.DashboardLinkType.Dashboards)
      .tags(['taud']).asDropdown(true).keepTime(true).includeVars(true))));
  for (const [name, ...panels] of rows) {
    built.withRow(new dashboard.RowBuilder(name));
    for (const panel of panels) built.withPanel(panel);
  }
  return built.build();
}
