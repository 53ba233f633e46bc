/** PyTorch's all-reduce over gloo, where PyTorch is installed. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, oneThread, peersFolder } from '../peers/peer-programs.ts';
import type { Processes } from '../peers/processes.ts';
import { findPython, installedInterpreter } from '../peers/python-environment.ts';
import { linkName } from './network-hosts.ts';
import { commandAt, type Ranks, type RanksOptions, startForeignRanks, thisHost } from './ranks.ts';

const script = join(peersFolder, 'gloo_all_reduce.py');

/** Finds a Python with PyTorch. Installs none: that takes gigabytes. @throws Error that says where to get it */
export async function findGloo(processes: Processes): Promise<string> {
  if (!existsSync(script)) throw new Error('only a checkout of the repository has the program for it');
  const installed = installedInterpreter(environmentOf('torch'));
  if (installed !== undefined) return installed;
  const python = await findPython(processes);
  try {
    await processes.output({ program: python, args: ['-c', 'import numpy, torch.distributed'] });
  } catch {
    throw new Error(`${python} has no PyTorch; npm run bench:engines installs one of its own`);
  }
  return python;
}

/** @param python with PyTorch @throws Error that says why they do not start */
export async function startGlooRanks(
  { processes, world, floats, placeOf }: RanksOptions,
  python: string,
): Promise<Ranks> {
  const folder = mkdtempSync(join(tmpdir(), 'pennygrad-gloo-'));
  const ranks = Array.from({ length: world }, (_, rank) => {
    const place = placeOf(rank);
    // By default gloo listens on the address of the host's name, which may be none of this host's.
    const device = place === thisHost ? 'lo' : linkName;
    return {
      ...commandAt(place, python, [script, ...[rank, world, floats].map(String), join(folder, 'rendezvous')]),
      environment: process.platform === 'linux' ? { ...oneThread, GLOO_SOCKET_IFNAME: device } : oneThread,
    };
  });
  // All have found each other when they are ready.
  return startForeignRanks(processes, ranks).finally(() => rmSync(folder, { recursive: true, force: true }));
}
