/** A dashboard as its author thinks of it: what is asked, in which unit, and how it is drawn. */

export interface Query {
  /** PromQL. */
  readonly expr: string;
  /** Names a series, with labels in `{{…}}`. */
  readonly legend: string;
}

export interface Panel {
  /** `number` shows the last value, `lines` the course, `areas` parts of a whole on top of each other. */
  readonly kind: 'number' | 'lines' | 'areas';
  readonly title: string;
  readonly description: string;
  /** As Grafana names units. */
  readonly unit: string;
  readonly decimals?: number;
  readonly queries: readonly [Query, ...Query[]];
  /** Of 24 columns. */
  readonly width: number;
  /** `number` only: the series' names are what is to be read. */
  readonly showNames?: true;
  /** Set when most runs have nothing to show. */
  readonly needs?: 'gpu' | 'worker-metrics';
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface DashboardSpec {
  /** Part of the dashboard's address: never to be changed. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}
