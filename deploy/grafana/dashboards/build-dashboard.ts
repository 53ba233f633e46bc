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
  MappingType,
  QueryVariableBuilder,
  RowBuilder,
  type ValueMap,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { DashboardSpec, Panel, Row } from './panel.ts';
import { colourOf, runStatuses, statusValue } from './run-status.ts';

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
    .withVariable(chooser('run_id', 'Run', 'label_values(pennygrad_run_info{job=~"$job"}, run_id)'));
  for (const row of rows) {
    dashboard.withRow(buildRow(row));
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
    .allValue('.+')
    .current({ text: 'All', value: '$__all' });
}

function buildRow({ title, ofOneRun }: Row): RowBuilder {
  const row = new RowBuilder(title);
  return ofOneRun === true ? row.repeat('run_id') : row;
}

function buildPanel(panel: Panel): StatBuilder | TimeSeriesBuilder {
  const isCourse = panel.kind === 'lines' || panel.kind === 'areas';
  const builder = isCourse ? buildCourse(panel) : buildNumber(panel);
  builder.title(panel.title).description(panel.description).datasource(prometheus).unit(panel.unit).span(panel.width);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  for (const { expr, legend } of panel.queries) {
    const query = new DataqueryBuilder().datasource(prometheus).expr(expr).legendFormat(legend);
    // The last value of a range would be that of a run which may be long dead.
    builder.withTarget(isCourse ? query.range() : query.instant());
  }
  return builder;
}

function buildNumber({ kind, showNames, sumOfRuns }: Panel): StatBuilder {
  const isStatus = kind === 'status';
  const named = sumOfRuns === true ? BigValueTextMode.Value : BigValueTextMode.ValueAndName;
  const builder = new StatBuilder()
    .height(4)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(isStatus ? BigValueColorMode.Value : BigValueColorMode.None)
    .graphMode(BigValueGraphMode.None)
    .textMode(showNames === true ? BigValueTextMode.Name : named)
    .noValue(kind === 'now' ? 'no run under way' : 'nothing');
  return isStatus ? builder.mappings([statusTexts()]) : builder;
}

function statusTexts(): ValueMap {
  return {
    type: MappingType.ValueToText,
    options: Object.fromEntries(
      runStatuses.map((status, index) => [
        String(statusValue(status)),
        { text: status, color: colourOf[status], index },
      ]),
    ),
  };
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
