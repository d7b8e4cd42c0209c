/** Whoever gives sessions a relay: a pool of nodes, a relay of one's own, or elected super-nodes. Nobody asks which it is. */
import type { RelayPlace, StepTime } from '../store/session-record.ts'

export interface ProvisionRequest {
  sessionId: string
  userId: string
  slot: number
  /** Wished for, '' for any */
  region: string
  /** The relay of one's own, for those who have one */
  relayId?: string
  streamToken: string
  /** Of the session; whoever is overtaken is refused */
  fence: number
  /** Of the slot: routes to the place, and never authorises */
  name: string
}

export interface ProvisionOptions {
  signal?: AbortSignal
  /** Told at the begin of each step, and at the end of the last, of all steps so far; awaited, and what it throws ends the work */
  onProgress?: (steps: StepTime[]) => void | Promise<void>
}

export interface DeprovisionRequest {
  sessionId: string
  fence: number
}

/** Both may be repeated: a session that has its place gets it again, one that has none is left alone. */
export interface Provisioner {
  /**
   * @throws {NoCapacityError} when no node may be given to it
   * @throws {UnknownRelayError} when the user has no such relay
   * @throws {NodeUnreachableError | NodeRefusedError} when all that were tried failed
   * @throws {StaleFenceError} when another process has taken over
   */
  provision (request: ProvisionRequest, options?: ProvisionOptions): Promise<RelayPlace>
  /** Moves sessions while they go on; left out where that cannot be */
  mover?: SessionMover
  /** @throws {NodeUnreachableError} when its node does not answer, and may still carry it: to be tried again */
  deprovision (request: DeprovisionRequest, options?: { signal?: AbortSignal }): Promise<void>
}

export interface MoveRequest extends ProvisionRequest {
  /** Where it is now, and goes on until it is called off */
  currentId: string
  /** A place in another region will do where the one that is wished for has none @default false */
  elsewhere?: boolean
}

/** All of these may be repeated. */
export interface SessionMover {
  /** Makes a place in the region ready beside the one that there is, and points the name there. @throws as `provision` */
  move (request: MoveRequest, options?: ProvisionOptions): Promise<RelayPlace>
  /** The move came to nothing: what was made ready is given back, and the name points where it did */
  cancel (request: MoveRequest, current: RelayPlace, options?: { signal?: AbortSignal }): Promise<void>
  /** Gives back what a session has left, or was going to and is not any more */
  leave (request: DeprovisionRequest & { instanceId: string }, options?: { signal?: AbortSignal }): Promise<void>
}

/** Points a name at a host. */
export interface NamePublisher {
  /** What follows a name to make it one of DNS; left out where names are not published */
  readonly zone?: string
  /** @param host - an address, or a name that has one */
  publish (name: string, host: string, options?: { signal?: AbortSignal }): Promise<void>
  /** Harmless when there is no such name */
  withdraw (name: string, options?: { signal?: AbortSignal }): Promise<void>
}

/** No node may be given to the session now. */
export class NoCapacityError extends Error {
  static override name = 'NoCapacityError'
  override readonly name = 'NoCapacityError'
  readonly region: string

  constructor (region: string) {
    super('All relays of the fleet are full, draining, unhealthy or over their budget: try again later, or add a node')
    this.region = region
  }
}

/** The user has no relay of that id. */
export class UnknownRelayError extends Error {
  static override name = 'UnknownRelayError'
  override readonly name = 'UnknownRelayError'
  readonly relayId: string

  constructor (relayId: string) {
    super(`There is no relay ${relayId} of yours: register it first`)
    this.relayId = relayId
  }
}
