/** What the control plane asks of a relay node, whatever carries the streams there. */

export interface NodeHealth {
  /** New with each start of the node's process: what it was told before is gone */
  bootId: string
  draining: boolean
  /** Share of all processors that it takes, 0 to 1 */
  cpuShare: number
  /** Share of the memory that it may take, 0 to 1 */
  memoryShare: number
}

/** One of the ways that a bonded stream comes by. */
export interface LinkStatistics {
  /** Address and port that the link comes from */
  address: string
  bytes: number
  /** Of the stream's bytes, 0 to 100 */
  sharePercent: number
  /** Whose network it comes from, as far as that is known */
  carrier?: string
  /** ms since something came by it */
  idleMs: number
}

export interface StreamStatistics {
  sessionId: string
  /** With which it was admitted */
  fence: number
  /** Somebody sends */
  live: boolean
  bitrateBps: number
  rttMs: number
  /** 0 to 1 */
  lossShare: number
  latencyMs: number
  links: LinkStatistics[]
}

export interface NodeStatistics extends NodeHealth {
  /** In and out since its process started */
  bytes: number
  /** Of all streams together, 0 to 1 */
  lossShare: number
  /** All that are admitted, live or not */
  streams: StreamStatistics[]
}

export interface AdmitRequest {
  sessionId: string
  /** Publishes as `live_TOKEN` and plays as `play_TOKEN` */
  streamToken: string
  /** A node that has heard a greater one for this session refuses */
  fence: number
}

export interface RevokeRequest {
  sessionId: string
  fence: number
}

export interface AgentOptions {
  signal?: AbortSignal
}

/**
 * Each of these may be repeated without harm.
 *
 * @throws {NodeUnreachableError} when it does not answer in time, or not as a node does
 * @throws {NodeRefusedError} when it answers, and will not
 */
export interface NodeAgent {
  health (options?: AgentOptions): Promise<NodeHealth>
  statistics (options?: AgentOptions): Promise<NodeStatistics>
  admit (request: AdmitRequest, options?: AgentOptions): Promise<void>
  revoke (request: RevokeRequest, options?: AgentOptions): Promise<void>
  /** Takes nobody new, and keeps whom it has; `false` takes it back */
  drain (draining: boolean, options?: AgentOptions): Promise<void>
}

/** The node did not answer in time, or not as a node does: another may be tried. */
export class NodeUnreachableError extends Error {
  static override name = 'NodeUnreachableError'
  override readonly name = 'NodeUnreachableError'
  readonly url: string

  constructor (url: string, why: string, options?: ErrorOptions) {
    super(`The relay node at ${url} cannot be reached: ${why}`, options)
    this.url = url
  }
}

export type NodeRefusal = 'stale_fence' | 'full' | 'draining' | 'unauthorized' | 'bad_request'

/** The node answered, and will not do it. */
export class NodeRefusedError extends Error {
  static override name = 'NodeRefusedError'
  override readonly name = 'NodeRefusedError'
  readonly reason: NodeRefusal

  constructor (reason: NodeRefusal, message = `The relay node refuses: ${reason}`) {
    super(message)
    this.reason = reason
  }
}
