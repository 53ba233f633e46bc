import { renderAudit } from '../../report/audit/audit-text.ts';
import { snakeCased } from '../../report/snake-case.ts';
import { auditRun } from '../../run-folder/audit/read-audit.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { exitCodes } from '../../shared/core/errors.ts';
import type { Command } from '../command.ts';
import { namedRuns, runsPositional } from '../compared-runs.ts';
import { terminalColumns, wantsColour } from '../terminal.ts';

const auditSettings = {
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout' },
} as const;

export const auditCommand: Command = {
  settings: auditSettings,
  examples: [
    ['$0 audit runs/RUN-ID', 'each sample of each epoch once? exit code 0 if proved, 3 if not'],
    ['$0 audit runs/* --json', 'several runs, with the samples that are missing or repeated'],
  ],
  options: (command) => command.positional('run', runsPositional),
  async run(argv) {
    const { json } = resolveSettings(auditSettings, argv, process.env, undefined);
    const audits = [];
    for (const folder of namedRuns(argv.run)) {
      audits.push({ folder, report: await auditRun(folder) });
    }
    const proved = audits.every(({ report }) => report.proved);
    if (json) {
      const runs = audits.map(({ folder, report }) => ({ folder, ...report }));
      console.log(JSON.stringify(snakeCased({ proved, runs })));
    } else {
      const options = { columns: terminalColumns(), colour: wantsColour() };
      console.log(audits.map(({ folder, report }) => renderAudit(folder, report, options)).join('\n\n'));
    }
    if (!proved) process.exitCode = exitCodes.runFailed;
  },
};
