/** One elector's board, and volunteers whose word it hears, for tests: each in a /16 and a system of its own unless told otherwise. */
import { SeededRandom } from '@skein/core'
import { ElectorBoard, verifierLot } from '../src/index.ts'
import { VerifierDraw } from '../src/verifier-draw.ts'
import type { BoardEffect, ElectorBoardInit } from '../src/index.ts'
import type { SuperNodeCandidacy, SuperNodeLease, SuperNodeReport, VerifiedNetwork } from '@skein/records'

export const START_MS = 1_790_000_000_000
export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Volunteer `i` is at `/ip4/10.i.0.1`, which stands for a public address. */
export function addressOf (i: number, host = 1): string {
  return `/ip4/10.${i}.0.${host}/tcp/1`
}

export function networkOf (address: string): VerifiedNetwork | undefined {
  const number = /^\/ip4\/10\.(\d+)\.0\./.exec(address)?.[1]
  return number === undefined ? undefined : { small: `10.${number}.0.0/24`, wide: `10.${number}.0.0/16`, system: Number(number) }
}

export class BoardFixture {
  readonly board: ElectorBoard
  readonly effects: BoardEffect[] = []
  nowMs = START_MS
  private seq = 0

  /** This elector is volunteer 0, and connected to all whose network it is told. */
  constructor (init: Partial<ElectorBoardInit> = {}) {
    this.board = new ElectorBoard({
      self: 'volunteer-0', region: 'eu-west', networkOf,
      networkOfPeer: peer => networkOf(addressOf(Number(peer.split('-')[1]))),
      scoreOf: () => ({ score: 0.2, dealings: 0 }),
      peersOfRegion: () => 100,
      ...init
    }, new SeededRandom(1), START_MS)
  }

  /** Time passes; what the board wants is kept in `effects`. */
  run (ms: number): void {
    const untilMs = this.nowMs + ms
    for (let at = this.board.nextTimeoutMs(); at !== undefined && at <= untilMs; at = this.board.nextTimeoutMs()) {
      this.nowMs = Math.max(this.nowMs, at)
      this.board.onTimeout(this.nowMs)
      this.drain()
    }
    this.nowMs = untilMs
  }

  candidacy (i: number, changes: Partial<SuperNodeCandidacy> = {}): ReturnType<ElectorBoard['onCandidacy']> {
    const issuedAtMs = this.nowMs
    const news = this.board.onCandidacy({
      peer: `volunteer-${i}`, region: 'eu-west', seq: ++this.seq, roles: ['relay'], addresses: [addressOf(i)], networks: [],
      claimedBytesPerSecond: 10_000_000, issuedAtMs, expiresAtMs: issuedAtMs + 30 * MINUTE_MS, withdrawn: false, ...changes
    }, this.nowMs)
    this.drain()
    return news
  }

  /** By volunteer `verifier` on volunteer `candidate`: all that is needed to be elected, a month old. */
  report (verifier: number, candidate: number, changes: Partial<SuperNodeReport> = {}): boolean {
    const issuedAtMs = this.nowMs
    const network = networkOf(addressOf(candidate)) as VerifiedNetwork
    const kept = this.board.onReport({
      verifier: `volunteer-${verifier}`, candidate: `volunteer-${candidate}`, region: 'eu-west', reachable: true, networks: [network],
      bytesPerSecond: 10_000_000, ageMs: 30 * DAY_MS, uptime: 1, relay: { score: 0.8, dealings: 20 }, issuedAtMs, expiresAtMs: issuedAtMs + 6 * HOUR_MS,
      ...changes
    }, this.nowMs)
    this.drain()
    return kept
  }

  lease (i: number, changes: Partial<SuperNodeLease> = {}): void {
    const issuedAtMs = this.nowMs
    const lease: SuperNodeLease = {
      peer: `volunteer-${i}`, region: 'eu-west', term: Math.floor(issuedAtMs / 600_000), fence: ++this.seq, roles: ['relay'], addresses: [addressOf(i)],
      networks: [], quota: {}, issuedAtMs, expiresAtMs: issuedAtMs + 600_000, withdrawn: false, ...changes
    }
    this.board.onLease({ lease, envelope: Uint8Array.of(i) }, this.nowMs)
    this.drain()
  }

  /** Volunteers 0 to `count` − 1 are there, and each is verified by those that are drawn. */
  volunteers (count: number): void {
    for (let i = 0; i < count; i++) {
      this.candidacy(i)
    }
    for (let i = 0; i < count; i++) {
      this.drawn(i, count).slice(0, 7).forEach(verifier => { this.report(verifier, i) })
    }
  }

  /** Volunteers but the candidate, in the order of its lot now. */
  drawn (candidate: number, count: number, periodMs = 7_200_000): number[] {
    const period = this.periodOf(`volunteer-${candidate}`, periodMs)
    const lots = Array.from({ length: count }, (_, i) => ({ i, lot: verifierLot('', period, `volunteer-${candidate}`, `volunteer-${i}`) }))
    return lots.filter(({ i }) => i !== candidate).sort((a, b) => a.lot - b.lot).map(({ i }) => i)
  }

  get elected (): number[] {
    return this.board.current?.elected.map(({ peer }) => Number(peer.split('-')[1])) ?? []
  }

  periodOf (peer: string, periodMs = 7_200_000): number {
    return new VerifierDraw({ periodMs }).periodOf(peer, this.nowMs)
  }

  private drain (): void {
    for (let effect = this.board.poll(); effect !== undefined; effect = this.board.poll()) {
      this.effects.push(effect)
    }
  }
}
