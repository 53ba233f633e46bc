/** All commands, in the order of the help. Each is loaded when it is called: a worker's start waits for no other. */
import type { Command } from './command.ts';

export interface ListedCommand {
  /** The name, and what follows it besides flags. */
  readonly usage: string;
  readonly summary: string;
  load(): Promise<Command>;
  /** Commands whose names follow this one's. */
  readonly under?: readonly ListedCommand[];
}

export const commands: readonly ListedCommand[] = [
  {
    usage: 'train',
    summary: 'Train on this host: starts a coordinator and its workers',
    load: async () => (await import('./commands/train-command.ts')).trainCommand,
  },
  {
    usage: 'coordinator',
    summary: 'Wait for workers from any host, and train with them',
    load: async () => (await import('./commands/coordinator-command.ts')).coordinatorCommand,
  },
  {
    usage: 'worker',
    summary: 'Join a coordinator, on this host or another, and compute',
    load: async () => (await import('./commands/worker-command.ts')).workerCommand,
  },
  {
    usage: 'evaluate <run>',
    summary: 'Loss and accuracy of a trained run',
    load: async () => (await import('./commands/evaluate-command.ts')).evaluateCommand,
  },
  {
    usage: 'predict <run> [image]',
    summary: 'What a trained run sees in an image',
    load: async () => (await import('./commands/predict-command.ts')).predictCommand,
  },
  {
    usage: 'bench',
    summary: 'Measure this machine: one engine, and runs of one and two workers',
    load: async () => (await import('./commands/bench-command.ts')).benchCommand,
    under: [
      {
        usage: 'allreduce',
        summary: 'How fast processes of this host sum vectors, by each algorithm and by PyTorch over gloo',
        load: async () => (await import('./commands/bench-allreduce-command.ts')).benchAllReduceCommand,
      },
    ],
  },
  {
    usage: 'doctor',
    summary: 'Find out whether a run can succeed here, how fast it would be, and what to do if it cannot',
    load: async () => (await import('./commands/doctor-command.ts')).doctorCommand,
  },
  {
    usage: 'setup <engine>',
    summary: 'Install what an engine needs besides pennygrad',
    load: async () => (await import('./commands/setup-command.ts')).setupCommand,
  },
  {
    usage: 'prices',
    summary: 'What GPUs and CPUs cost now and in the past: the table where labels like gcp/t4/spot find their price',
    load: async () => (await import('./commands/prices-command.ts')).pricesCommand,
  },
  {
    usage: 'sweep',
    summary: 'Run a grid of trainings, repeated, and compare them',
    load: async () => (await import('./commands/sweep-command.ts')).sweepCommand,
  },
  {
    usage: 'costs [folder..]',
    summary: 'What runs cost together, however they ended, by run, worker, GPU, provider, day or category',
    load: async () => (await import('./commands/costs-command.ts')).costsCommand,
  },
  {
    usage: 'audit <run..>',
    summary: 'Prove that each epoch of a run applied each sample exactly once, or name those that it did not',
    load: async () => (await import('./commands/audit-command.ts')).auditCommand,
  },
  {
    usage: 'compare [run..]',
    summary: 'Compare the speed, scaling and cost of runs',
    load: async () => (await import('./commands/compare-command.ts')).compareCommand,
  },
  {
    usage: 'reprice <run>',
    summary: 'What a measured run would have cost at other prices',
    load: async () => (await import('./commands/reprice-command.ts')).repriceCommand,
  },
  {
    usage: 'plan [run..]',
    summary:
      'The cheapest way to finish in time, or the fastest within a budget, from measured runs; or steps of fleets that nobody has',
    load: async () => (await import('./commands/plan-command.ts')).planCommand,
  },
];
