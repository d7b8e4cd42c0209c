/** What becomes of the sessions of a relay that falls silent, and is back after a while with all that it knew. */
import { whyNotPicked } from '@skein/fleet'
import type { FleetWorld } from './fleet-world.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

const LOOK_MS = 500
/** Long after the last of them should be carried elsewhere. */
const PATIENCE_MS = 60_000

export interface RelayLoss {
  sessions: number
  /** Ended for want of room */
  withoutRoom: number
  /** Neither carried elsewhere nor ended */
  unmoved: number
  /** Of the watch, until the last was carried elsewhere or had ended */
  rounds: number
  tookMs: number
  /** After its return, until it carried nothing that is not its own any more */
  twiceMs: number
}

export async function followLoss (world: FleetWorld, relay: SimulatedRelay, silentMs: number, step: () => Promise<void>): Promise<RelayLoss> {
  const { store, clock } = world
  const waiting = new Set((await store.assignedSessions(relay.id)).filter(({ state, place }) => state === 'active' && place?.instanceId === relay.id)
    .map(({ id }) => id))
  const loss: RelayLoss = { sessions: waiting.size, withoutRoom: 0, unmoved: 0, rounds: 0, tookMs: 0, twiceMs: 0 }
  const silencedMs = clock.nowMs()
  const firstRound = world.rounds
  world.silence(relay, true)
  while (waiting.size > 0 && clock.nowMs() < silencedMs + PATIENCE_MS) {
    await world.run(LOOK_MS)
    for (const id of waiting) {
      const session = await store.session(id)
      const isOver = session === undefined || session.state === 'releasing' || session.state === 'ended'
      if (isOver || (session.state === 'active' && session.place?.instanceId !== relay.id)) {
        waiting.delete(id)
        loss.rounds = world.rounds - firstRound
        loss.tookMs = clock.nowMs() - silencedMs
        loss.withoutRoom += session?.endReason === 'failed' ? 1 : 0
      }
    }
  }
  loss.unmoved = waiting.size
  while (clock.nowMs() < silencedMs + silentMs) {
    await step()
  }
  world.silence(relay, false)
  const returnedMs = clock.nowMs()
  while (await carriesOthers(world, relay) && clock.nowMs() < returnedMs + PATIENCE_MS) {
    await world.run(LOOK_MS)
  }
  loss.twiceMs = clock.nowMs() - returnedMs
  return loss
}

async function carriesOthers ({ store, time }: FleetWorld, relay: SimulatedRelay): Promise<boolean> {
  const own = new Set((await store.assignments({ nodeId: relay.id })).map(({ sessionId }) => sessionId))
  const node = await store.node(relay.id)
  return relay.admissions.list().some(({ sessionId }) => !own.has(sessionId)) || node === undefined || whyNotPicked(node, time.month()) === 'lost'
}
