/** What an elector's board wants done, is told of it, and says of a candidate. */
import type { CandidateFacts } from './candidate-facts.ts'
import type { DownVerdict } from './down-verdict.ts'
import type { Election, ElectionVerdict } from './election.ts'
import type { SuperNodeCandidacy, SuperNodeReport, VerifiedNetwork } from '@skein/records'

/** A peer and where it can be dialled. */
export interface AddressedPeer {
  peer: string
  addresses: string[]
}

/**
 * - `candidacy`: sign this peer's candidacy, publish it, and give it to `onCandidacy`
 * - `verify`: dial this candidate and measure, and say with `onVerified` what was found
 * - `report`: sign and publish this; it may have been published before
 * - `watch`: keep a connection to these, so that it is seen when one dies
 * - `election`: an election was held; whether it names others than the one before
 */
export type BoardEffect =
  | { type: 'candidacy' }
  | { type: 'verify', peer: string, addresses: string[] }
  | { type: 'report', report: SuperNodeReport }
  | { type: 'watch', peers: AddressedPeer[] }
  | { type: 'election', election: Election, changed: boolean }

/** What a verification found. */
export interface Verification {
  reachable: boolean
  networks: readonly VerifiedNetwork[]
  bytesPerSecond?: number
}

/** What is known of a candidate, by whom, and what is missing. */
export interface CandidateExplanation extends CandidateFacts {
  peer: string
  /** Its own word; expired or taken back, it is no candidate */
  candidacy: SuperNodeCandidacy
  live: boolean
  down: DownVerdict
  reports: Array<{ verifier: string, reachable: boolean, atMs: number, network: VerifiedNetwork | undefined, counted: boolean }>
  /** How the last election judged it; `undefined` when it was no candidate then */
  verdict: ElectionVerdict | undefined
}
