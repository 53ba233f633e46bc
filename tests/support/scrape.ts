/** The samples of a Prometheus text exposition, by series as written: `name{label="value"}`. */
export function parseSamples(exposition: string): ReadonlyMap<string, number> {
  const lines = exposition.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** The same samples with every series' labels in the order of their names. */
export function sortedLabels(samples: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map(
    [...samples].map(([series, value]) => {
      const [, name = series, labels] = series.match(/^(\w+)\{(.*)\}$/) ?? [];
      return [labels === undefined ? name : `${name}{${(labels.match(/\w+="[^"]*"/g) ?? []).sort().join(',')}}`, value];
    }),
  );
}

/** The same samples without the label that names the run, which all series have; only `run_info` keeps it. */
export function withoutRun(samples: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map(
    [...samples].map(([series, value]) => [
      /^\w*run_info\{/.test(series)
        ? series
        : series
            .replace(/,?run_id="[^"]*"/, '')
            .replace(/\{,?(.*)\}$/, (_, labels) => (labels === '' ? '' : `{${labels}}`)),
      value,
    ]),
  );
}
