/** A router that speaks NAT-PMP (RFC 6886). */
import { decodeAddressAnswer, decodeMapAnswer, encodeAddressQuestion, encodeMapQuestion } from '../../port-mapping/nat-pmp-message.ts'
import { PortMappingError } from '../../port-mapping/router-mapping.ts'
import { askRouter } from './router-question.ts'
import type { Clock } from '@skein/core'
import type { NatPmpAddress, NatPmpMapped } from '../../port-mapping/nat-pmp-message.ts'
import type { RouterMapping, RouterSight } from '../../port-mapping/router-mapping.ts'
import type { MapRequest, RouterClient } from './router-client.ts'
import type { RouterAnswer } from './router-question.ts'

/** Of the search, which goes by several protocols at once: 1.75 s. */
const SEARCH_SENDS = 3

export class NatPmpClient implements RouterClient {
  readonly protocol = 'nat-pmp'
  private readonly router: string
  private readonly clock: Clock

  constructor (router: string, clock: Clock) {
    this.router = router
    this.clock = clock
  }

  /** `undefined` when the router does not speak it. */
  static async find (router: string, clock: Clock, signal: AbortSignal): Promise<NatPmpClient | undefined> {
    const client = new NatPmpClient(router, clock)
    try {
      await client.address(signal, SEARCH_SENDS)
    } catch (error) {
      if (!(error instanceof PortMappingError) || error.problem === 'silent') {
        signal.throwIfAborted()
        return undefined
      }
      // one that refuses is one
    }
    return client
  }

  async map ({ internalPort, externalPort, lifetimeMs }: MapRequest, signal: AbortSignal): Promise<RouterMapping> {
    const { externalAddress } = await this.address(signal)
    const { answer, localAddress } = await this.ask(internalPort, externalPort, Math.round(lifetimeMs / 1_000), signal)
    return {
      protocol: this.protocol,
      router: this.router,
      internalAddress: localAddress,
      internalPort,
      externalAddress,
      externalPort: answer.externalPort,
      lifetimeMs: answer.lifetimeS * 1_000,
      epochS: answer.epochS
    }
  }

  async look (_: RouterMapping, signal: AbortSignal): Promise<RouterSight> {
    return await this.address(signal)
  }

  async unmap ({ internalPort }: RouterMapping, signal: AbortSignal): Promise<void> {
    await this.ask(internalPort, 0, 0, signal)
  }

  private async address (signal: AbortSignal, sends?: number): Promise<NatPmpAddress> {
    const { answer } = await askRouter({
      router: this.router, question: encodeAddressQuestion, read: decodeAddressAnswer, sends, clock: this.clock, signal
    })
    return answer
  }

  private async ask (internalPort: number, externalPort: number, lifetimeS: number, signal: AbortSignal): Promise<RouterAnswer<NatPmpMapped>> {
    return await askRouter({
      router: this.router,
      question: () => encodeMapQuestion({ internalPort, externalPort, lifetimeS }),
      read: bytes => decodeMapAnswer(bytes, internalPort),
      clock: this.clock,
      signal
    })
  }
}
