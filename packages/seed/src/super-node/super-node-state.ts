/** What a super-node is doing, from its limits and its seat, and what its relay gives in each state. */
import type { PauseReason, TermState, VolunteerState } from '@skein/supernode'
import type { RelayClosure, RelayPlaces } from '../relay/relay-ledger.ts'

/**
 * - `candidate`: it wants a seat. It relays as well, with some of its places: receipts for that are how a volunteer that nobody knows gets elected
 * - `elected`: it holds a seat and gives all that it has
 * - `leaving`: the seat is lost; it keeps whom it has for a minute and takes nobody
 * - `paused`: a limit of the volunteer; nobody new, until it is over
 * - `draining`, `drained`: the volunteer stops
 */
export type SuperNodeState =
  | { state: 'candidate' | 'elected' | 'leaving' }
  | { state: 'paused', why: PauseReason[], untilMs: number | undefined }
  | { state: 'draining', circuits: number, untilMs: number }
  | { state: 'drained' }

/** Of its places before it holds a seat. Enough to be of use to some, and too few for a stranger to have many under its eyes. */
export const CANDIDATE_SHARE = 0.125
/** … but not fewer than these. */
const MIN_CANDIDATE_PLACES = 16

/** The volunteer's word comes first: one that is paused has given its seat back, or will have in a moment. */
export function superNodeState (limits: VolunteerState, seat: TermState): SuperNodeState {
  if (limits.state !== 'active') {
    return limits
  }
  return { state: SEAT_STATES[seat] }
}

const SEAT_STATES = { idle: 'candidate', holding: 'elected', leaving: 'leaving' } as const

export interface RelayTerms {
  places: RelayPlaces
  /** Why nobody new is taken; `undefined` while they are */
  closed: RelayClosure | undefined
  /** Those who are reached through it are let go, so that they move: one that takes no circuits is of no use to them */
  release: boolean
}

/** @param all the places of an elected one */
export function relayTerms (now: SuperNodeState, all: RelayPlaces): RelayTerms {
  switch (now.state) {
    case 'elected': return { places: all, closed: undefined, release: false }
    case 'candidate': return { places: candidatePlaces(all), closed: undefined, release: false }
    case 'leaving': return { places: all, closed: 'no_seat', release: false }
    // a busy processor is idle again in a minute or two: to move all clients would cost more
    case 'paused': return { places: all, closed: 'paused', release: now.why.some(why => why !== 'cpu') }
    default: return { places: all, closed: 'draining', release: true }
  }
}

function candidatePlaces ({ maxReservations, maxCircuits }: RelayPlaces): RelayPlaces {
  const some = (places: number): number => Math.min(places, Math.max(MIN_CANDIDATE_PLACES, Math.floor(places * CANDIDATE_SHARE)))
  return { maxReservations: some(maxReservations), maxCircuits: some(maxCircuits) }
}
