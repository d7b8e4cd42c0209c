/** What the users of a simulated fleet reach of its control plane: the API without its HTTP, a round trip away. */
import { sleep } from '@skein/core'
import { UnknownSessionError } from '@skein/fleet'
import type { Clock } from '@skein/core'
import type { FleetStore, SessionKeeper, SessionRecord, SessionView } from '@skein/fleet'

export interface FleetFaceInit {
  clock: Clock
  store: FleetStore
  keeper: SessionKeeper
  roundTripMs: number
}

export class FleetFace {
  private readonly init: FleetFaceInit

  constructor (init: FleetFaceInit) {
    this.init = init
  }

  async start (userId: string, slot: number, region: string): Promise<SessionView> {
    return await this.ask(async () => await this.init.keeper.start({ userId, slot, region }))
  }

  async session (id: string): Promise<SessionView> {
    return await this.ask(async () => await this.stored(id))
  }

  async renew (id: string): Promise<SessionView> {
    return await this.ask(async () => await this.init.keeper.renew(await this.stored(id)))
  }

  async stop (id: string): Promise<void> {
    await sleep(this.init.clock, this.init.roundTripMs)
    await this.init.keeper.stop(await this.stored(id))
  }

  async move (id: string, region: string): Promise<SessionView> {
    return await this.ask(async () => await this.init.keeper.startMove(await this.stored(id), region))
  }

  private async ask (question: () => Promise<SessionRecord>): Promise<SessionView> {
    await sleep(this.init.clock, this.init.roundTripMs)
    const { streamToken, leaseUntilMs, ...session } = await question()
    return {
      ...session,
      publishId: streamToken,
      playId: streamToken,
      leaseRemainingMs: Math.max(0, leaseUntilMs - this.init.clock.nowMs()),
      heartbeatMs: this.init.keeper.times.heartbeatMs
    }
  }

  private async stored (id: string): Promise<SessionRecord> {
    const session = await this.init.store.session(id)
    if (session === undefined) {
      throw new UnknownSessionError(id)
    }
    return session
  }
}
