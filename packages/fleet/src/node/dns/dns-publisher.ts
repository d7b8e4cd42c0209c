/** Points names at relays by dynamic update of a zone (RFC 2136) on the server that is primary for it, signed (RFC 8945). */
import { connect, isIPv4, isIPv6 } from 'node:net'
import { deadline, randomBelow } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { encodeUpdate } from '../../dns/dns-update.ts'
import { sign, verify } from './tsig.ts'
import type { Clock, Random } from '@skein/core'
import type { NameTarget } from '../../dns/dns-update.ts'
import type { NamePublisher } from '../../provision/provisioner.ts'
import type { TsigKey } from './tsig.ts'

export interface DnsPublisherInit {
  /** The primary of the zone */
  server: { host: string, port?: number }
  /** `relay.example.org`: names become `k7mx2p9a.relay.example.org` */
  zone: string
  key: TsigKey
  /** How long others may remember where a name points: shorter follows a move sooner, and costs the server questions @default 60 */
  ttlSeconds?: number
  /** An update takes no longer @default 5_000 */
  timeoutMs?: number
  clock?: Clock
  random?: Random
}

/** The server does not answer, or not as one. */
export class DnsUnreachableError extends Error {
  static override name = 'DnsUnreachableError'
  override readonly name = 'DnsUnreachableError'

  constructor (server: string, why: string, options?: ErrorOptions) {
    super(`The DNS server ${server} does not take updates: ${why}`, options)
  }
}

/** The server refuses the update. */
export class DnsRefusedError extends Error {
  static override name = 'DnsRefusedError'
  override readonly name = 'DnsRefusedError'
  /** RFC 2136, 2.2 */
  readonly rcode: number
  /** RFC 8945, 3 */
  readonly tsigError: number

  constructor (zone: string, rcode: number, tsigError: number) {
    super(`The DNS server does not update ${zone}: ${advice(rcode, tsigError)}`)
    this.rcode = rcode
    this.tsigError = tsigError
  }
}

const MAX_ANSWER_BYTES = 65_535

export class DnsPublisher implements NamePublisher {
  readonly zone: string
  private readonly init: DnsPublisherInit
  private readonly clock: Clock
  private readonly random: Random
  private readonly server: string

  constructor (init: DnsPublisherInit) {
    this.init = init
    this.zone = init.zone
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.server = `${init.server.host}, port ${init.server.port ?? 53}`
  }

  async publish (name: string, host: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.update(name, targetOf(host), options)
  }

  async withdraw (name: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.update(name, undefined, options)
  }

  private async update (name: string, target: NameTarget | undefined, { signal }: { signal?: AbortSignal }): Promise<void> {
    const { zone, key, ttlSeconds = 60, timeoutMs = 5_000 } = this.init
    const id = randomBelow(this.random, 65_536)
    const update = encodeUpdate({ id, zone, name: `${name}.${zone}`, target, ttlSeconds })
    const { message, mac } = sign(update, key, this.nowSeconds())
    const limit = deadline(this.clock, timeoutMs, [signal])
    try {
      const answer = verify(await this.ask(message, limit.signal), key, mac, this.nowSeconds())
      if (answer.id !== id) {
        throw new DnsUnreachableError(this.server, 'it answers something else')
      }
      if (answer.rcode !== 0) {
        // refused; a server that does not know the key cannot sign that
        throw new DnsRefusedError(zone, answer.rcode, answer.tsigError)
      }
      if (!answer.isAuthentic) {
        throw new DnsUnreachableError(this.server, 'its answer is not signed with the key')
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof DnsRefusedError || error instanceof DnsUnreachableError) {
        throw error
      }
      throw new DnsUnreachableError(this.server, (error as Error).message, { cause: error })
    } finally {
      limit.clear()
    }
  }

  /** Over TCP, each message after its length (RFC 1035, 4.2.2): there is nothing to send again. */
  private async ask (message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { host, port = 53 } = this.init.server
    return await new Promise((resolve, reject) => {
      const socket = connect({ host, port })
      const chunks: Buffer[] = []
      let received = 0
      const end = (outcome: () => void): void => {
        signal.removeEventListener('abort', onAbort)
        socket.destroy()
        outcome()
      }
      const onAbort = (): void => { end(() => { reject(signal.reason) }) }
      signal.addEventListener('abort', onAbort, { once: true })
      socket.once('connect', () => {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(message.length)
        socket.write(Buffer.concat([length, message]))
      })
      socket.on('data', chunk => {
        chunks.push(chunk)
        received += chunk.length
        const bytes = received >= 2 ? Buffer.concat(chunks) : undefined
        const length = bytes?.readUInt16BE(0)
        if (bytes !== undefined && length !== undefined && (received >= length + 2 || received > MAX_ANSWER_BYTES)) {
          end(() => { resolve(bytes.subarray(2, length + 2)) })
        }
      })
      socket.once('error', error => { end(() => { reject(error) }) })
      socket.once('close', () => { end(() => { reject(new Error('it closed the connection')) }) })
    })
  }

  private nowSeconds (): number {
    return Math.floor(this.clock.nowMs() / 1_000)
  }
}

function targetOf (host: string): NameTarget {
  if (isIPv4(host)) {
    return { type: 'A', address: Uint8Array.from(host.split('.').map(Number)) }
  }
  return isIPv6(host) ? { type: 'AAAA', address: ipv6Bytes(host) } : { type: 'CNAME', host }
}

/** The URL parser writes it out in one way (WHATWG URL, IPv6 serializer), with at most one `::`. */
function ipv6Bytes (address: string): Uint8Array {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [before, after] = [head, tail ?? ''].map(part => part === '' ? [] : part.split(':').map(word => parseInt(word, 16))) as [number[], number[]]
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
  return Uint8Array.from(all.flatMap(word => [word >>> 8, word & 0xff]))
}

function advice (rcode: number, tsigError: number): string {
  if (tsigError === 16 || tsigError === 17) {
    return 'it does not know the key, or has another secret for it'
  }
  if (tsigError === 18) {
    return 'its clock and ours differ by more than five minutes'
  }
  switch (rcode) {
    case 5: return 'the key may not update it (allow-update, update-policy)'
    case 9: return 'it is not the primary of this zone, or does not know the key'
    case 10: return 'the name is not in the zone'
    default: return `it answers with code ${rcode}`
  }
}
