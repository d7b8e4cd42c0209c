/** What makes a libp2p node an elector, and what it tells: the ports and events of a `SuperNodeService`. */
import type { Verification } from '../board-effect.ts'
import type { ElectorBoardInit } from '../elector-board.ts'
import type { Election } from '../election.ts'
import type { FenceMark, TermState } from '../super-node-term.ts'
import type { ElectorRendezvous } from './elector-search.ts'
import type { SessionIngest } from './session-desk.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Clock, Random, Topics } from '@skein/core'
import type { LeaseQuota, SuperNodeLease, SuperNodeRole } from '@skein/records'

export type SuperNodeHost = Pick<Libp2p,
'peerId' | 'peerStore' | 'dial' | 'getConnections' | 'getPeers' | 'handle' | 'unhandle' | 'addEventListener' | 'removeEventListener'>

/** What a volunteer offers now. */
export interface VolunteerOffer {
  /** Where it can be dialled, best first; eight are told */
  addresses: string[]
  claimedBytesPerSecond: number
  /** At least one */
  roles: SuperNodeRole[]
  /** What is left of what it gives; told in leases */
  quota?: LeaseQuota
}

/** Where the highest number of a lease is kept, so that it survives a crash. */
export interface FenceMarks {
  /** `undefined` before the first lease */
  load: () => Promise<FenceMark | undefined>
  /** Resolves when it would survive a power cut */
  save: (mark: FenceMark) => Promise<void>
}

export interface SuperNodeServiceInit extends Omit<ElectorBoardInit, 'self' | 'electionRules' | 'rules' | 'lot'> {
  libp2p: SuperNodeHost
  topics: Topics
  privateKey: PrivateKey
  /** Whether this peer is a candidate itself; one that is not listens, elects and answers */
  volunteer: boolean
  /** Asked each time that something is said about it */
  candidacy: () => VolunteerOffer
  /** Dials a peer afresh and measures. One that throws has not reached it */
  verify: (peer: string, addresses: string[], signal: AbortSignal) => Promise<Verification>
  marks: FenceMarks
  /** Who may be elected. All electors of a region must have the same */
  rules?: ElectorBoardInit['electionRules']
  /** How electors come by what they know. All of a region must have the same */
  electorRules?: ElectorBoardInit['rules']
  /** @default none: electors are those that are connected */
  rendezvous?: ElectorRendezvous
  /** What carries the streams of sessions; its candidacy should name the role `ingest` @default none: sessions are refused */
  sessions?: SessionIngest
  /** The life of a lease, ms; it is renewed at half of it. @default 600_000 */
  leaseMs?: number
  /** @default 60_000 */
  graceMs?: number
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface SuperNodeServiceEvents {
  /** What to do for clients has changed */
  'state:changed': CustomEvent<{ state: TermState }>
  /** The grace is over: let all clients go */
  'clients:release': CustomEvent<undefined>
  'lease:signed': CustomEvent<{ lease: SuperNodeLease }>
  /** A mark could not be kept or a lease not signed: the seat is given up, and asked for again in a minute */
  'lease:failed': CustomEvent<{ error: unknown }>
  /** An election was held */
  'election': CustomEvent<{ election: Election, changed: boolean }>
  /** This peer looked at a candidate: evidence for its service as a relay */
  'candidate:verified': CustomEvent<{ peer: string, found: Verification }>
  /** A peer said what no honest peer says */
  'peer:offended': CustomEvent<{ peer: string, error: unknown }>
}
