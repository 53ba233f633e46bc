/** `config.json` of a run: its settings and, once training begins, its workers. */
import { bestEffort } from '../../shared/files/atomic-files.ts';
import type { MemberInfo, RunObserver } from '../run-events.ts';
import type { RunFolder } from './run-folder.ts';

/** @param config everything the run was told; the folder is left as it was until the coordinator listens */
export function writeConfig(folder: Pick<RunFolder, 'write'>, config: object): RunObserver {
  const workers = new Map<string, object>();
  return (event) => {
    // A run that cannot begin leaves the folder to the next try.
    if (event.type === 'listening') folder.write('config.json', json(config));
    // The workers are not known before this point. Whoever has left stays in the file.
    if (event.type !== 'generation') return;
    for (const member of event.members) workers.set(member.workerId, describeMember(member));
    const write = () => folder.write('config.json', json({ ...config, workers: [...workers.values()] }));
    // A disk that takes nothing must not end a run that has just survived a loss. The next generation tries again.
    if (event.number === 1) write();
    else bestEffort(write);
  };
}

function describeMember(member: MemberInfo): object {
  const { workerId, rank, host, cpu, backend, device, threads, gpu, emulatedSpeed } = member;
  const { priceUsdPerHour, priceOrigin, priceAssumed } = member;
  return {
    worker_id: workerId,
    rank,
    host,
    cpu,
    backend,
    device,
    threads,
    gpu,
    price_usd_per_hour: priceUsdPerHour,
    price_source: priceOrigin?.source,
    price_date: priceOrigin?.date,
    price_assumed: priceAssumed,
    emulated_speed: emulatedSpeed,
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
