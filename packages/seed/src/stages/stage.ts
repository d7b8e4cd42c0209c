/** Where on the ladder the network is, and what a seed does there: the more peers there are, the less. */

export type Stage = 'hub' | 'regional' | 'split' | 'bootstrap'

/** In the order in which a network grows through them. */
export const STAGES: readonly Stage[] = ['hub', 'regional', 'split', 'bootstrap']

export interface StageDuties {
  /** The largest network that the stage is for, nodes */
  maxNodes: number
  /** Where providers are looked for on behalf of a peer; 'none': peers ask each other */
  discover: 'everywhere' | 'nearest-region-first' | 'none'
  /** Who passes signalling on, and who relays: any seed, those that were given the role, or none */
  signal: 'every-seed' | 'by-role' | 'none'
  relay: 'every-seed' | 'by-role' | 'none'
  /** Models of the network that one answer lists */
  maxModels: number
  /** The connection is closed once the newcomer has joined */
  letsGo: boolean
}

/** What each stage asks of a seed. Other peers are named to newcomers at every stage, see `newcomerPlan`. */
export const STAGE_DUTIES: Readonly<Record<Stage, Readonly<StageDuties>>> = {
  hub: { maxNodes: 10_000, discover: 'everywhere', signal: 'every-seed', relay: 'every-seed', maxModels: 200, letsGo: false },
  regional: { maxNodes: 100_000, discover: 'nearest-region-first', signal: 'every-seed', relay: 'every-seed', maxModels: 200, letsGo: false },
  split: { maxNodes: 1_000_000, discover: 'nearest-region-first', signal: 'by-role', relay: 'by-role', maxModels: 50, letsGo: false },
  bootstrap: { maxNodes: Infinity, discover: 'none', signal: 'none', relay: 'none', maxModels: 0, letsGo: true }
}

/**
 * How far beyond a limit the size must be before a seed changes its stage. Twice the 95 % interval of an estimate from 16 probes of 20 peers (±11 %),
 * so that its error alone does not swing a seed to and fro.
 */
export const STAGE_HYSTERESIS = 1.25

/**
 * The stage for a network of so many nodes. A seed that is at `current` stays there until the size is beyond the limit by the hysteresis factor.
 */
export function stageFor (networkSize: number, current?: Stage, hysteresis = STAGE_HYSTERESIS): Stage {
  const band = current === undefined ? 1 : hysteresis
  let at = current === undefined ? 0 : STAGES.indexOf(current)
  while (at < STAGES.length - 1 && networkSize > limitOf(at) * band) {
    at++
  }
  while (at > 0 && networkSize <= limitOf(at - 1) / band) {
    at--
  }
  return STAGES[at] as Stage
}

export function isStage (text: string): text is Stage {
  return (STAGES as readonly string[]).includes(text)
}

function limitOf (index: number): number {
  return STAGE_DUTIES[STAGES[index] as Stage].maxNodes
}
