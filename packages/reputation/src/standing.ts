/** How one peer stands in one service: its evidence, and a score that falls at once and rises slowly. */
import { NO_EVIDENCE } from './evidence.ts'
import type { Evidence } from './evidence.ts'

/** A score rises by so much a day at most: who comes back under a new name has days of honest work before it. */
export const MAX_GAIN_PER_DAY = 0.1

const DAY_MS = 86_400_000

export interface Standing {
  service: string
  evidence: Evidence
  /** The score at `scoredMs` */
  score: number
  scoredMs: number
  /** When the first evidence came */
  sinceMs: number
  /** Receipts and other evidence that were counted */
  counted: number
}

export function newStanding (service: string, newcomerScore: number, nowMs: number): Standing {
  return { service, evidence: { ...NO_EVIDENCE, atMs: nowMs }, score: newcomerScore, scoredMs: nowMs, sinceMs: nowMs, counted: 0 }
}

/** The most that the score may be by now. */
export function scoreLimit ({ score, scoredMs }: Standing, nowMs: number): number {
  return Math.min(1, score + MAX_GAIN_PER_DAY * Math.max(0, nowMs - scoredMs) / DAY_MS)
}

/** Takes the score along to `target`, down at once, up within the limit. */
export function pace (standing: Standing, target: number, nowMs: number): number {
  standing.score = Math.min(Math.max(0, target), scoreLimit(standing, nowMs))
  standing.scoredMs = Math.max(standing.scoredMs, nowMs)
  return standing.score
}
