/** A dashboard as its author thinks of it: what is asked, in which unit, and how it is drawn. */

export interface Query {
  /** PromQL. */
  readonly expr: string;
  /** Names a series, with labels in `{{…}}`. */
  readonly legend: string;
}

export interface Panel {
  /**
   * - `status`: the status of each run
   * - `now`: a value of each run under way; nothing for one that is over or gone
   * - `total`: what each run has reached in the time shown; stays when the run is over or gone
   * - `lines`: courses
   * - `areas`: parts of a whole on top of each other, in a row of one run
   */
  readonly kind: 'status' | 'now' | 'total' | 'lines' | 'areas';
  readonly title: string;
  readonly description: string;
  /** As Grafana names units. */
  readonly unit: string;
  readonly decimals?: number;
  readonly queries: readonly [Query, ...Query[]];
  /** In columns; a dashboard has 24. */
  readonly width: number;
  /** `now` and `total` only: the series' names are what is to be read. */
  readonly showNames?: true;
  /** Adds up all runs chosen, as the title says. */
  readonly sumOfRuns?: true;
  /** Set when most runs have nothing to show. */
  readonly needs?: 'budget' | 'gpu' | 'interruption' | 'worker-metrics';
}

export interface Row {
  /** May contain `$run_id` if the row is of one run. */
  readonly title: string;
  /** Grafana repeats the row for every run chosen. */
  readonly ofOneRun?: true;
  readonly panels: readonly Panel[];
}

export interface DashboardSpec {
  /** Part of the dashboard's address: never to be changed. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}
