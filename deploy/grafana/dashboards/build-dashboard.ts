/** From a dashboard's specification to Grafana's JSON, by Grafana's own Foundation SDK. */
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { DashboardSpec, Panel } from './panel.ts';

/** Whoever imports a dashboard chooses the data source; the provisioned one is the default. */
const prometheus: DataSourceRef = { type: 'prometheus', uid: `\${datasource}` };

export function buildDashboard({ uid, title, description, rows }: DashboardSpec): Dashboard {
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['pennygrad'])
    .time({ from: 'now-15m', to: 'now' })
    .refresh('5s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(chooser('job', 'Job', 'label_values(pennygrad_run_info, job)'))
    .withVariable(chooser('run', 'Run', 'label_values(pennygrad_run_info{job=~"$job"}, run_id)'));
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) dashboard.withPanel(buildPanel(panel));
  }
  return dashboard.build();
}

function chooser(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(prometheus)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalDesc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: 'All', value: '$__all' });
}

function buildPanel(panel: Panel): StatBuilder | TimeSeriesBuilder {
  const builder = panel.kind === 'number' ? buildNumber(panel) : buildCourse(panel);
  builder.title(panel.title).description(panel.description).datasource(prometheus).unit(panel.unit).span(panel.width);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  for (const { expr, legend } of panel.queries) {
    builder.withTarget(new DataqueryBuilder().datasource(prometheus).expr(expr).legendFormat(legend).range());
  }
  return builder;
}

function buildNumber({ showNames }: Panel): StatBuilder {
  return new StatBuilder()
    .height(4)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(BigValueColorMode.None)
    .graphMode(showNames === true ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .textMode(showNames === true ? BigValueTextMode.Name : BigValueTextMode.Auto);
}

function buildCourse({ kind }: Panel): TimeSeriesBuilder {
  const builder = new TimeSeriesBuilder()
    .height(8)
    .min(0)
    .lineWidth(1)
    .showPoints(VisibilityMode.Never)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull']),
    );
  if (kind !== 'areas') return builder;
  return builder.fillOpacity(60).stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
}
