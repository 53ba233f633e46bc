/** The phases of a step, as a worker's time is split. */
export const phaseNames = ['load', 'compute', 'communicate', 'wait', 'apply'] as const;
export type PhaseName = (typeof phaseNames)[number];

/** Seconds by phase. */
export type PhaseSeconds = Readonly<Record<PhaseName, number>>;

export const noPhaseSeconds: PhaseSeconds = { load: 0, compute: 0, communicate: 0, wait: 0, apply: 0 };

/** `a + scale × b`, phase by phase. With scale −1: the growth between two readings. */
export function addPhases(a: PhaseSeconds, b: PhaseSeconds, scale = 1): PhaseSeconds {
  return {
    load: a.load + scale * b.load,
    compute: a.compute + scale * b.compute,
    communicate: a.communicate + scale * b.communicate,
    wait: a.wait + scale * b.wait,
    apply: a.apply + scale * b.apply,
  };
}

/** How a worker's time in a run is split: the phases of steps, test passes, and idling. */
export type SpentSeconds = PhaseSeconds & { readonly evaluate: number; readonly idle: number };

export const nothingSpent: SpentSeconds = { ...noPhaseSeconds, evaluate: 0, idle: 0 };

/** `a + scale × b`, as `addPhases`. */
export function addSpent(a: SpentSeconds, b: SpentSeconds, scale = 1): SpentSeconds {
  // Written out, with the phases: the coordinator does this a thousand times a second.
  return {
    load: a.load + scale * b.load,
    compute: a.compute + scale * b.compute,
    communicate: a.communicate + scale * b.communicate,
    wait: a.wait + scale * b.wait,
    apply: a.apply + scale * b.apply,
    evaluate: a.evaluate + scale * b.evaluate,
    idle: a.idle + scale * b.idle,
  };
}

/** The growth between two readings. */
export function spentBetween(before: SpentSeconds, after: SpentSeconds): SpentSeconds {
  return addSpent(after, before, -1);
}
