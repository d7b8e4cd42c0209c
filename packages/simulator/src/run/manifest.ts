/** `manifest.json`: what was run, so that it can be repeated; and on what, and how long it took. */
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { planId } from './plan.ts'
import type { Plan } from './plan.ts'

export interface Machine {
  platform: string
  arch: string
  cpu: string
  cpus: number
  memoryBytes: number
  node: string
  /** Threads that were used */
  workers: number
}

export interface Shard {
  index: number
  of: number
}

export interface Manifest extends Plan {
  /** A hash of all above: simulations with the same one have the same results */
  plan: string
  shard?: Shard
  /** Whether every run was made; otherwise it was stopped */
  complete: boolean
  /** Runs that were to be made, and those that were */
  jobs: number
  done: number
  /** Jobs that ended with an error */
  failed: number[]
  /** These two, and no other, differ from time to time and from machine to machine; one of each shard where shards were merged */
  durationMs: number | number[]
  machine: Machine | Machine[]
}

export interface ManifestInit {
  plan: Plan
  shard?: Shard
  jobs: number
  done: number
  failed: number[]
  durationMs: number | number[]
  machine: Machine | Machine[]
}

export function makeManifest ({ plan, shard, jobs, done, failed, durationMs, machine }: ManifestInit): Manifest {
  return { ...plan, plan: planId(plan), ...shard === undefined ? {} : { shard }, complete: done === jobs, jobs, done, failed, durationMs, machine }
}

export function thisMachine (workers: number): Machine {
  const all = cpus()
  return {
    platform: `${platform()} ${release()}`,
    arch: arch(),
    cpu: all[0]?.model.trim() ?? 'unknown',
    cpus: all.length,
    memoryBytes: totalmem(),
    node: process.version,
    workers
  }
}

/** The plan in a manifest. */
export function planOf ({ scenario, version, options, sweep, seed, runs, seeds }: Manifest): Plan {
  return { scenario, version, options, sweep, seed, runs, seeds }
}
