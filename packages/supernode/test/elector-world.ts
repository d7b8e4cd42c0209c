/** A region of volunteers for simulations: boards that hear each other over a network that loses and delays, dials that succeed or not, and liars. */
import { BoundedMap, randomBelow, randomFloat, SeededRandom, TimerTable } from '@skein/core'
import { ElectorBoard, SuperNodeTerm, verifierLot } from '../src/index.ts'
import type { BoardEffect, ElectionRules, ElectorRules, TermEffect } from '../src/index.ts'
import type { SuperNodeCandidacy, SuperNodeLease, SuperNodeReport, VerifiedNetwork } from '@skein/records'

export interface Volunteer {
  peer: string
  address: string
  network: VerifiedNetwork
  bytesPerSecond: number
  claims: number
  /** What it reports, in place of what it found */
  lie?: (report: SuperNodeReport, world: ElectorWorld) => SuperNodeReport
  board: ElectorBoard
  term: SuperNodeTerm
  up: boolean
  timerMs?: number
}

export interface VolunteerInit {
  network: VerifiedNetwork
  bytesPerSecond: number
  claims?: number
  lie?: Volunteer['lie']
}

export interface ElectorWorldInit {
  seed: number
  /** Share of messages that a board does not get */
  loss: number
  volunteers: VolunteerInit[]
  peersOfRegion: number
  rules?: Partial<ElectorRules>
  electionRules?: Partial<ElectionRules>
}

type Message = { candidacy: SuperNodeCandidacy } | { report: SuperNodeReport } | { lease: SuperNodeLease }

const DIAL_TIMEOUT_MS = 10_000
export const START_MS = 1_790_000_000_000

export class ElectorWorld {
  readonly volunteers: Volunteer[]
  readonly random: SeededRandom
  nowMs = START_MS
  private readonly init: ElectorWorldInit
  private readonly byPeer: Map<string, Volunteer>
  private readonly events = new TimerTable<() => void>()

  constructor (init: ElectorWorldInit) {
    this.init = init
    this.random = new SeededRandom(init.seed)
    const lots = new BoundedMap<string, number>({ maxSize: 1_000_000 })
    const networks = new Map(init.volunteers.map(({ network }, i) => [addressOf(i), network]))
    const lot: typeof verifierLot = (beacon, period, candidate, verifier) => {
      const key = `${period} ${candidate} ${verifier}`
      const known = lots.get(key) ?? verifierLot(beacon, period, candidate, verifier)
      lots.set(key, known)
      return known
    }
    this.volunteers = init.volunteers.map((volunteer, i): Volunteer => {
      const peer = `${init.seed}-volunteer-${i}`
      return {
        peer, address: addressOf(i), claims: volunteer.bytesPerSecond, ...volunteer, up: true,
        board: new ElectorBoard({
          self: peer, region: 'eu-west', networkOf: address => networks.get(address), lot,
          // each is connected to a third of the others
          networkOfPeer: other => (i + Number(other.split('-')[2])) % 3 === 0 ? this.byPeer.get(other)?.network : undefined,
          scoreOf: () => ({ score: 0.2, dealings: 0 }), peersOfRegion: () => init.peersOfRegion,
          rules: init.rules, electionRules: init.electionRules
        }, new SeededRandom(init.seed * 1000 + i), this.nowMs),
        term: new SuperNodeTerm()
      }
    })
    this.byPeer = new Map(this.volunteers.map(volunteer => [volunteer.peer, volunteer]))
    for (const volunteer of this.volunteers) {
      this.at(this.nowMs + randomBelow(this.random, 60_000), () => {
        volunteer.board.onVolunteering(true, this.nowMs)
        volunteer.term.onWilling(this.nowMs)
        this.drain(volunteer)
      })
    }
  }

  get (peer: string): Volunteer {
    return this.byPeer.get(peer) as Volunteer
  }

  run (untilMs: number): void {
    for (let event = this.events.popDue(untilMs); event !== undefined; event = this.events.popDue(untilMs)) {
      event()
    }
    this.nowMs = untilMs
  }

  /** Its host loses power: connections of those that watch it are found to be gone within 20 s. */
  kill (peer: string): void {
    const dead = this.get(peer)
    dead.up = false
    for (const other of this.volunteers.filter(({ up }) => up)) {
      this.at(this.nowMs + randomBelow(this.random, 20_000), () => {
        other.board.onDisconnected(peer, this.nowMs)
        this.drain(other)
      })
    }
  }

  up (): Volunteer[] {
    return this.volunteers.filter(({ up }) => up)
  }

  publish (from: Volunteer, message: Message): void {
    for (const to of this.up()) {
      if (to !== from && randomFloat(this.random) >= this.init.loss) {
        this.at(this.nowMs + 50 + randomBelow(this.random, 450), () => {
          this.receive(to, message)
          this.drain(to)
        })
      }
    }
  }

  private receive ({ board }: Volunteer, message: Message): void {
    if ('candidacy' in message) {
      board.onCandidacy(message.candidacy, this.nowMs)
    } else if ('report' in message) {
      board.onReport(message.report, this.nowMs)
    } else {
      board.onLease({ lease: message.lease, envelope: new Uint8Array() }, this.nowMs)
    }
  }

  private at (atMs: number, task: () => void): void {
    const event = (): void => {
      this.nowMs = Math.max(this.nowMs, atMs)
      task()
    }
    this.events.set(event, atMs)
  }

  private drain (volunteer: Volunteer): void {
    const { board, term } = volunteer
    if (!volunteer.up) {
      return
    }
    for (let i = 0; i < 1000; i++) {
      const effect = board.poll()
      const termEffect = effect === undefined ? term.poll() : undefined
      if (effect !== undefined) {
        this.perform(volunteer, effect)
      } else if (termEffect !== undefined) {
        this.performTerm(volunteer, termEffect)
      } else {
        break
      }
    }
    const nextMs = Math.min(board.nextTimeoutMs() ?? Infinity, term.nextTimeoutMs() ?? Infinity)
    if (nextMs !== volunteer.timerMs && Number.isFinite(nextMs)) {
      volunteer.timerMs = nextMs
      this.at(Math.max(nextMs, this.nowMs), () => {
        if (volunteer.timerMs === nextMs && volunteer.up) {
          volunteer.timerMs = undefined
          board.onTimeout(this.nowMs)
          term.onTimeout(this.nowMs)
          this.drain(volunteer)
        }
      })
    }
  }

  private perform (volunteer: Volunteer, effect: BoardEffect): void {
    const { peer, address, claims, board, lie } = volunteer
    switch (effect.type) {
      case 'candidacy': {
        const candidacy: SuperNodeCandidacy = {
          peer, region: 'eu-west', seq: Math.floor(this.nowMs), roles: ['relay'], addresses: [address], networks: [], claimedBytesPerSecond: claims,
          issuedAtMs: this.nowMs, expiresAtMs: this.nowMs + 1_800_000, withdrawn: false
        }
        board.onCandidacy(candidacy, this.nowMs)
        this.publish(volunteer, { candidacy })
        break
      }
      case 'verify':
        this.verify(volunteer, this.get(effect.peer))
        break
      case 'report':
        this.publish(volunteer, { report: lie === undefined ? effect.report : lie(effect.report, this) })
        break
      case 'watch':
        effect.peers.filter(({ peer }) => this.get(peer).up).forEach(({ peer }) => { board.onConnected(peer) })
        break
      case 'election':
        if (volunteer.term.state === 'idle' && board.elects(peer, this.nowMs)) {
          volunteer.term.onElection(true, this.nowMs)
        }
    }
  }

  private verify (volunteer: Volunteer, candidate: Volunteer): void {
    const finishedMs = this.nowMs + (candidate.up ? 1_000 : DIAL_TIMEOUT_MS)
    this.at(finishedMs, () => {
      // a measurement is off by a quarter, and one dial in a hundred fails
      const reachable = candidate.up && randomFloat(this.random) >= 0.01
      const bytesPerSecond = candidate.bytesPerSecond * (0.75 + 0.5 * randomFloat(this.random))
      volunteer.board.onVerified(candidate.peer, reachable ? { reachable, networks: [candidate.network], bytesPerSecond } : { reachable, networks: [] }, this.nowMs)
      this.drain(volunteer)
    })
  }

  private performTerm (volunteer: Volunteer, effect: TermEffect): void {
    const { peer, address, network, board, term } = volunteer
    if (effect.type === 'elect') {
      term.onElection(board.elects(peer, this.nowMs), this.nowMs)
    } else if (effect.type === 'sign') {
      const lease: SuperNodeLease = { ...effect.lease, peer, region: 'eu-west', roles: ['relay'], addresses: [address], networks: [network], quota: {} }
      board.onLease({ lease, envelope: new Uint8Array() }, this.nowMs)
      this.publish(volunteer, { lease })
    }
  }
}

export function addressOf (index: number): string {
  return `address ${index}`
}

/** Networks as in the world: some systems are large. Volunteer `i` is in a /16 of its own. */
export function networkAt (i: number, system: number): VerifiedNetwork {
  return { small: `10.${i}.0.0/24`, wide: `10.${i}.0.0/16`, system }
}
