/**
 * Who looks at a candidate: verifiers are drawn by lot among the volunteers, anew each period, and the candidate chooses none of them
 * (docs/specs/super-nodes.md, section 6).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { crc32 } from '@skein/core'
import { DAY_MS } from './seat-lot.ts'

const DOMAIN = 'skein verifier 1'

/** The lot that a verifier draws for a candidate and period, 0 to 2^48 − 1; the smallest look. */
export function verifierLot (beacon: string, period: number, candidate: string, verifier: string): number {
  const hash = sha256(new TextEncoder().encode([DOMAIN, beacon, period, candidate, verifier].join('\n')))
  const view = new DataView(hash.buffer, hash.byteOffset)
  return view.getUint32(0) * 0x10000 + view.getUint16(4)
}

export interface VerifierDrawInit {
  periodMs: number
  /** @default () => '' */
  beaconOf?: (day: number) => string
  /** @default verifierLot */
  lot?: typeof verifierLot
}

export class VerifierDraw {
  private readonly periodMs: number
  private readonly beaconOf: (day: number) => string
  private readonly lot: typeof verifierLot

  constructor (init: VerifierDrawInit) {
    this.periodMs = init.periodMs
    this.beaconOf = init.beaconOf ?? (() => '')
    this.lot = init.lot ?? verifierLot
  }

  /** Each candidate's periods begin at a time of its own, as its days do: else all would be measured at once. */
  periodOf (candidate: string, atMs: number): number {
    return Math.floor((atMs - this.offsetMs(candidate)) / this.periodMs)
  }

  startOf (candidate: string, period: number): number {
    return period * this.periodMs + this.offsetMs(candidate)
  }

  lotOf (candidate: string, period: number, verifier: string): number {
    return this.lot(this.beaconOf(Math.floor(this.startOf(candidate, period) / DAY_MS)), period, candidate, verifier)
  }

  private offsetMs (candidate: string): number {
    return crc32(new TextEncoder().encode(candidate).subarray(-8)) / 2 ** 32 * this.periodMs
  }
}
