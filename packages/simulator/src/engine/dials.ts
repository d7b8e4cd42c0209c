/** Connections that are being made: what each node has under way, and what comes of it. */
import type { ConnectPath, ConnectPlan } from './sim-network.ts'
import type { ConnectOutcome } from './sim-node.ts'

interface Dial {
  to: number
  startedMs: number
  plan: ConnectPlan
  onOutcome: (outcome: ConnectOutcome) => void
}

export class Dials {
  /** By node and number, of those nodes that have dialled */
  private readonly underWay = new Map<number, Map<number, Dial>>()

  begin (node: number, number: number, dial: Dial): void {
    const dials = this.underWay.get(node) ?? new Map<number, Dial>()
    dials.set(number, dial)
    this.underWay.set(node, dials)
  }

  /** The other side has answered: how long the rest of the round trips takes, ms. `undefined` when nothing waits for the answer. */
  onAccepted (node: number, number: number, from: number, nowMs: number): number | undefined {
    const dial = this.underWay.get(node)?.get(number)
    return dial?.to === from ? (dial.plan.roundTrips - 1) * (nowMs - dial.startedMs) : undefined
  }

  /** Ends it, connected by a path or not at all, unless it has ended. */
  end (node: number, number: number, connected: boolean): void {
    const dials = this.underWay.get(node)
    const dial = dials?.get(number)
    if (dials !== undefined && dial !== undefined) {
      dials.delete(number)
      dial.onOutcome(connected ? { type: 'connected', path: dial.plan.path satisfies ConnectPath } : { type: 'failed' })
    }
  }

  /** The node has stopped: nobody is told. */
  forget (node: number): void {
    this.underWay.delete(node)
  }
}
