/** A router that speaks PCP (RFC 6887). */
import { isVersionRefusal } from '../../port-mapping/nat-pmp-message.ts'
import { decodePcpAnnounce, decodePcpMap, encodePcpAnnounce, encodePcpMap } from '../../port-mapping/pcp-message.ts'
import { PortMappingError } from '../../port-mapping/router-mapping.ts'
import { askRouter } from './router-question.ts'
import type { Clock } from '@skein/core'
import type { PcpMapped } from '../../port-mapping/pcp-message.ts'
import type { RouterMapping, RouterSight } from '../../port-mapping/router-mapping.ts'
import type { MapRequest, RouterClient } from './router-client.ts'
import type { RouterAnswer } from './router-question.ts'

const SEARCH_SENDS = 3

export interface PcpClientInit {
  router: string
  /**
   * 12 bytes for a port, the same ones as long as its mapping may live: whoever has others cannot touch it, so that a peer that comes back under its
   * old identity has to come with its old ones.
   */
  nonceOf: (internalPort: number) => Uint8Array
  clock: Clock
}

export class PcpClient implements RouterClient {
  readonly protocol = 'pcp'
  private readonly init: PcpClientInit

  constructor (init: PcpClientInit) {
    this.init = init
  }

  /** `undefined` when the router does not speak it. */
  static async find (init: PcpClientInit, signal: AbortSignal): Promise<PcpClient | undefined> {
    const client = new PcpClient(init)
    try {
      await client.epoch(signal, SEARCH_SENDS)
    } catch (error) {
      if (!(error instanceof PortMappingError) || error.problem === 'silent') {
        signal.throwIfAborted()
        return undefined
      }
      // one that has no ANNOUNCE may map all the same
    }
    return client
  }

  async map (request: MapRequest, signal: AbortSignal): Promise<RouterMapping> {
    const { answer: { epochS, lifetimeS, externalAddress, externalPort }, localAddress } = await this.ask(request, signal)
    return {
      protocol: this.protocol,
      router: this.init.router,
      internalAddress: localAddress,
      internalPort: request.internalPort,
      externalAddress,
      externalPort,
      lifetimeMs: lifetimeS * 1_000,
      epochS
    }
  }

  /** By a renewal: a router whose address changes should begin a new epoch (§8.5), and miniupnpd 2.3.1 does not. */
  async look ({ internalPort, externalPort, lifetimeMs = 3_600_000 }: RouterMapping, signal: AbortSignal): Promise<RouterSight> {
    const { answer } = await this.ask({ internalPort, externalPort, lifetimeMs }, signal)
    return { epochS: answer.epochS, externalAddress: answer.externalAddress, isMapped: answer.externalPort === externalPort }
  }

  async unmap ({ internalPort }: RouterMapping, signal: AbortSignal): Promise<void> {
    await this.ask({ internalPort, externalPort: 0, lifetimeMs: 0 }, signal)
  }

  private async epoch (signal: AbortSignal, sends?: number): Promise<{ epochS: number }> {
    const { router, clock } = this.init
    const { answer } = await askRouter({ router, question: encodePcpAnnounce, read: bytes => read(bytes, decodePcpAnnounce), sends, clock, signal })
    return answer
  }

  private async ask ({ internalPort, externalPort, lifetimeMs }: MapRequest, signal: AbortSignal): Promise<RouterAnswer<PcpMapped>> {
    const { router, nonceOf, clock } = this.init
    const nonce = nonceOf(internalPort)
    return await askRouter({
      router,
      question: client => encodePcpMap({ client, nonce, internalPort, externalPort, lifetimeS: Math.round(lifetimeMs / 1_000) }),
      read: bytes => read(bytes, answer => decodePcpMap(answer, { nonce, internalPort })),
      clock,
      signal
    })
  }
}

/** What speaks NAT-PMP alone says so at once, and is as good as silent. */
function read<T> (bytes: Uint8Array, decode: (bytes: Uint8Array) => T | undefined): T | undefined {
  if (isVersionRefusal(bytes)) {
    throw new PortMappingError('silent', 'The router speaks NAT-PMP, not PCP')
  }
  return decode(bytes)
}
