/** Asks peers to dial this node back, and hears them come: what one says that never came counts for nothing. */
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, DeadlineError, equalBytes, randomBytes } from '@skein/core'
import { isRelayed, PROTOCOLS } from '@skein/records'
import { BLOCK_BYTES } from '../bandwidth-rounds.ts'
import { chooseVerifiers, MAX_ASKED } from '../dial-back-answers.ts'
import { DIAL_PRICE_BYTES, MAX_DIALLED_ADDRESSES } from '../dial-queue.ts'
import { ASK_NONCE_BYTES, DialBackProtocolError, DialBackStream } from './dial-back-stream.ts'
import type { Connection, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Clock, Random } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { AskedOutcome, AskedStatus, KnownVerifier, VerifierAnswer } from '../dial-back-answers.ts'
import type { DialBackAnswer, DialBackHello } from '../pb/dial-back.ts'

export interface AskDialBackOptions {
  /** Peer ids of connected peers to ask, instead of some that are chosen by lot. In one network two count as one */
  verifiers?: readonly string[]
  /**
   * How many are asked, at most 7.
   *
   * @default 5
   */
  count?: number
  /**
   * Whether they measure the bandwidth as well, which takes up to 16 MiB each.
   *
   * @default false
   */
  measure?: boolean
  /**
   * For all of it, ms.
   *
   * @default 60_000
   */
  timeoutMs?: number
  signal?: AbortSignal
}

export interface DialBackQuestionsInit {
  components: { peerId: PeerId, peerStore: PeerStore, connectionManager: ConnectionManager }
  networkOf: (address: string) => VerifiedNetwork | undefined
  clock: Clock
  random: Random
}

interface Pending {
  verifier: string
  nonce: Uint8Array
  /** The connection that was there before */
  connection: string
  measure: boolean
  heard: Set<number>
}

/** Questions under way at once, over all calls. */
const MAX_PENDING = 64
const STATUSES = new Set<string>(['reached', 'failed', 'not_public', 'too_many', 'limited', 'unpaid'])
/** What pays for a dial: of no meaning. */
const PAYMENT = new Uint8Array(BLOCK_BYTES)

export class DialBackQuestions {
  private readonly init: DialBackQuestionsInit
  private readonly pending = new Set<Pending>()

  constructor (init: DialBackQuestionsInit) {
    this.init = init
  }

  /** Whether this node waits to be measured by a peer. */
  isAsked (peer: string): boolean {
    return [...this.pending].some(({ verifier, measure }) => verifier === peer && measure)
  }

  /** One that was asked says over a connection that it made: here I am. */
  heard (peer: string, { nonce, address }: DialBackHello, connection: Connection): boolean {
    const pending = [...this.pending].find(({ verifier, nonce: own }) => verifier === peer && equalBytes(nonce, own))
    if (pending === undefined || connection.direction !== 'inbound' || isRelayed(connection) || connection.id === pending.connection ||
      address >= MAX_DIALLED_ADDRESSES) {
      return false
    }
    pending.heard.add(address)
    return true
  }

  async askAll (addresses: readonly string[], options: AskDialBackOptions, signal: AbortSignal): Promise<VerifierAnswer[]> {
    if (addresses.length === 0 || addresses.length > MAX_DIALLED_ADDRESSES) {
      throw new RangeError(`1 to ${MAX_DIALLED_ADDRESSES} addresses are asked about, not ${addresses.length}`)
    }
    const verifiers = await this.choose(addresses, options)
    const limit = deadline(this.init.clock, options.timeoutMs ?? 60_000, [signal])
    try {
      const answers = await Promise.all(verifiers.map(async ({ peer, network }) => ({
        verifier: peer, network, outcomes: await this.ask(peer, addresses, options.measure ?? false, limit.signal), atMs: this.init.clock.nowMs()
      })))
      signal.throwIfAborted()
      return answers
    } finally {
      limit.clear()
    }
  }

  private async choose (addresses: readonly string[], { verifiers, count }: AskDialBackOptions): Promise<KnownVerifier[]> {
    const { networkOf, random, components } = this.init
    const known: KnownVerifier[] = []
    for (const connection of components.connectionManager.getConnections()) {
      const peer = connection.remotePeer.toString()
      const network = networkOf(connection.remoteAddr.toString())
      const isUsable = !isRelayed(connection) && connection.status === 'open' && !known.some(one => one.peer === peer)
      if (isUsable && network !== undefined && (verifiers === undefined ? await this.speaks(connection.remotePeer) : verifiers.includes(peer))) {
        known.push({ peer, network })
      }
    }
    if (verifiers !== undefined) {
      return known.slice(0, MAX_ASKED)
    }
    const own = addresses.map(networkOf).filter(network => network !== undefined)
    return chooseVerifiers(known, own, count ?? 5, random)
  }

  private async speaks (peer: PeerId): Promise<boolean> {
    try {
      return (await this.init.components.peerStore.get(peer)).protocols.includes(PROTOCOLS.dialBack)
    } catch {
      return false
    }
  }

  private async ask (peer: string, addresses: readonly string[], measure: boolean, signal: AbortSignal): Promise<AskedOutcome[] | string> {
    const connection = this.init.components.connectionManager.getConnections(peerIdFromString(peer))
      .find(open => !isRelayed(open) && open.status === 'open')
    if (connection === undefined) {
      return 'unreachable'
    }
    if (this.pending.size >= MAX_PENDING) {
      return 'busy'
    }
    const nonce = randomBytes(this.init.random, ASK_NONCE_BYTES)
    const pending: Pending = { verifier: peer, nonce, connection: connection.id, measure, heard: new Set() }
    this.pending.add(pending)
    try {
      const stream = await connection.newStream(PROTOCOLS.dialBack, { signal })
      try {
        const messages = new DialBackStream(stream)
        await messages.writeRequest({ ask: { nonce, addresses: [...addresses], measure } }, { signal })
        const answer = await this.readPaid(messages, addresses.length, signal)
        return answer.refusal === '' ? outcomesOf(answer, addresses.length, pending.heard) : answer.refusal
      } finally {
        stream.close({ signal }).catch(error => { stream.abort(error as Error) })
      }
    } catch (error) {
      return error instanceof DialBackProtocolError ? 'protocol' : signal.reason instanceof DeadlineError ? 'timed_out' : 'unreachable'
    } finally {
      this.pending.delete(pending)
    }
  }

  /** The answer; what dials of other hosts cost is paid before it. */
  private async readPaid (messages: DialBackStream, addresses: number, signal: AbortSignal): Promise<DialBackAnswer> {
    const answer = await messages.readAnswer({ signal })
    if (answer.payBytes === 0) {
      return answer
    }
    if (answer.payBytes > addresses * DIAL_PRICE_BYTES) {
      throw new DialBackProtocolError('malformed', `It asks for ${answer.payBytes} bytes to dial ${addresses} addresses`)
    }
    for (let left = answer.payBytes; left > 0; left -= BLOCK_BYTES) {
      await messages.writeBlock(PAYMENT.subarray(0, Math.min(left, BLOCK_BYTES)), { signal })
    }
    return await messages.readAnswer({ signal })
  }
}

function outcomesOf ({ outcomes }: DialBackAnswer, count: number, heard: ReadonlySet<number>): AskedOutcome[] {
  if (outcomes.length !== count || outcomes.some(({ status }) => !STATUSES.has(status))) {
    throw new DialBackProtocolError('malformed', 'Not an outcome for each address')
  }
  return outcomes.map(({ status, bytesPerSecond }, index) => {
    if (status === 'reached' && !heard.has(index)) {
      return { status: 'unheard' }
    }
    const speed = Number(bytesPerSecond)
    return { status: heard.has(index) ? 'reached' : status as AskedStatus, ...speed > 0 ? { bytesPerSecond: speed } : {} }
  })
}
