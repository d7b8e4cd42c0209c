/** A relay node without streams: it admits and revokes as a real one, and forgets all when it is started again. */
import { NodeUnreachableError, StreamAdmissions } from '@skein/fleet'
import type { AdmitRequest, NodeAgent, NodeHealth, NodeStatistics, RevokeRequest } from '@skein/fleet'

export class TestNode implements NodeAgent {
  readonly id: string
  readonly capacity: number
  admissions: StreamAdmissions
  isUp = true
  bytes = 0
  lossShare = 0
  private boots = 1

  constructor (id: string, capacity: number) {
    this.id = id
    this.capacity = capacity
    this.admissions = new StreamAdmissions({ capacity })
  }

  /** As kill -9 and a start. */
  restart (): void {
    this.boots++
    this.bytes = 0
    this.isUp = true
    this.admissions = new StreamAdmissions({ capacity: this.capacity })
  }

  async health (): Promise<NodeHealth> {
    this.mustBeUp()
    return { bootId: `${this.id}-${this.boots}`, draining: this.admissions.draining, cpuShare: 0, memoryShare: 0 }
  }

  async statistics (): Promise<NodeStatistics> {
    const streams = this.admissions.list().map(({ sessionId, fence }) =>
      ({ sessionId, fence, live: false, bitrateBps: 0, rttMs: 0, lossShare: 0, latencyMs: 0, links: [] }))
    return { ...await this.health(), bytes: this.bytes, lossShare: this.lossShare, streams }
  }

  async admit (request: AdmitRequest): Promise<void> {
    this.mustBeUp()
    this.admissions.admit(request)
  }

  async revoke (request: RevokeRequest): Promise<void> {
    this.mustBeUp()
    this.admissions.revoke(request)
  }

  async drain (draining: boolean): Promise<void> {
    this.mustBeUp()
    this.admissions.draining = draining
  }

  private mustBeUp (): void {
    if (!this.isUp) {
      throw new NodeUnreachableError(this.id, 'it is down')
    }
  }
}
