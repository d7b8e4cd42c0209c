/** A relay node of the simulated fleet: admits and revokes by the rules that ship, carries what users send, and falls silent when it is told to. */
import { sleep } from '@skein/core'
import { NodeUnreachableError, StreamAdmissions } from '@skein/fleet'
import type { Clock } from '@skein/core'
import type { AdmitRequest, AgentOptions, NodeAgent, NodeHealth, NodeStatistics, RevokeRequest } from '@skein/fleet'

/** As `HttpNodeAgent`: who asks gives up after it. */
const ASK_TIMEOUT_MS = 3_000

export interface SimulatedRelayInit {
  id: string
  capacity: number
  clock: Clock
  /** To the control plane and back */
  roundTripMs: number
}

export class SimulatedRelay implements NodeAgent {
  readonly id: string
  readonly capacity: number
  /** Cut off from the control plane and from users; what it knows stays */
  isSilent = false
  /** Of all that comes to it */
  lossShare = 0
  cpuShare = 0.1
  readonly admissions: StreamAdmissions
  private readonly clock: Clock
  private readonly roundTripMs: number
  /** Bytes a millisecond of who sends, by stream token */
  private readonly senders = new Map<string, number>()
  private bytesCarried = 0
  private countedMs: number

  constructor ({ id, capacity, clock, roundTripMs }: SimulatedRelayInit) {
    this.id = id
    this.capacity = capacity
    this.clock = clock
    this.roundTripMs = roundTripMs
    this.countedMs = clock.nowMs()
    this.admissions = new StreamAdmissions({ capacity })
  }

  /** In and out since it started. */
  get bytes (): number {
    const nowMs = this.clock.nowMs()
    if (!this.isSilent) {
      for (const [token, bytesPerMs] of this.senders) {
        this.bytesCarried += this.admissions.sessionOf(token) === undefined ? 0 : bytesPerMs * (nowMs - this.countedMs)
      }
    }
    this.countedMs = nowMs
    return Math.floor(this.bytesCarried)
  }

  /** Somebody sends, or ends with 0; `bps` in and out together. */
  send (token: string, bps: number): void {
    void this.bytes // what has come by so far was at the rates so far
    if (bps === 0) {
      this.senders.delete(token)
    } else {
      this.senders.set(token, bps / 8_000)
    }
  }

  silence (isSilent: boolean): void {
    void this.bytes
    this.isSilent = isSilent
  }

  isLive (token: string): boolean {
    return !this.isSilent && this.senders.has(token) && this.admissions.sessionOf(token) !== undefined
  }

  async health (options?: AgentOptions): Promise<NodeHealth> {
    await this.answer(options)
    return this.state()
  }

  async statistics (options?: AgentOptions): Promise<NodeStatistics> {
    await this.answer(options)
    return {
      ...this.state(),
      bytes: this.bytes,
      lossShare: this.lossShare,
      streams: this.admissions.list().map(({ sessionId, streamToken, fence }) => ({
        sessionId, fence, live: this.isLive(streamToken), bitrateBps: 0, rttMs: 0, lossShare: this.lossShare, latencyMs: 0, links: []
      }))
    }
  }

  async admit (request: AdmitRequest, options?: AgentOptions): Promise<void> {
    await this.answer(options)
    this.admissions.admit(request)
  }

  async revoke (request: RevokeRequest, options?: AgentOptions): Promise<void> {
    await this.answer(options)
    void this.bytes
    this.admissions.revoke(request)
  }

  async drain (draining: boolean, options?: AgentOptions): Promise<void> {
    await this.answer(options)
    this.admissions.draining = draining
  }

  private state (): NodeHealth {
    return { bootId: 'one', draining: this.admissions.draining, cpuShare: this.cpuShare, memoryShare: 0.2 }
  }

  private async answer ({ signal }: AgentOptions = {}): Promise<void> {
    if (!this.isSilent) {
      await sleep(this.clock, this.roundTripMs, { signal })
    }
    if (this.isSilent) {
      await sleep(this.clock, ASK_TIMEOUT_MS, { signal })
      throw new NodeUnreachableError(this.id, 'it does not answer')
    }
  }
}
