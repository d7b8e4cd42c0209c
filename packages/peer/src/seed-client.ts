/** The peer's side of `/skein/seed/1.0.0`: register at a seed, and hear of peers and models. */
import { pbStream } from '@libp2p/utils'
import { deadline } from '@skein/core'
import {
  isRelayed, MAX_SEED_MESSAGE_BYTES, MAX_SEED_MODELS, MAX_SEED_PEERS, MAX_SEED_RELAYS, MAX_SEED_STUN, openCapabilities, PROTOCOLS,
  SeedRequest, SeedResponse
} from '@skein/records'
import { plain, unmetRules } from './admission/seed-refusal.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { SeedDiscover, SeedModel, SeedPage, SeedProof, SignedCapabilities } from '@skein/records'
import type { SeedRefusal } from './admission/seed-refusal.ts'

export interface SeedAnswer {
  /** Why the registration was refused, `undefined` when it was not */
  refused?: string
  /** The same for a program */
  refusal?: Pick<SeedRefusal, 'reason' | 'message' | 'unmet'>
  lifeMs: number
  retryAfterMs: number
  /** Multiaddr texts with `/p2p/…` of other peers, from records these peers signed */
  peers: string[]
  models: SeedModel[]
  /** Relays with room, best first; records that do not hold are left out */
  relays: SignedCapabilities[]
  /** When it was asked to discover */
  page?: SeedAnswerPage
  /** How far the seed's clock is ahead of this peer's, give or take `errorMs`; left out by a seed that does not tell its time */
  clock?: { aheadMs: number, errorMs: number }
  /** Where the seed answers STUN, multiaddr texts: `/ip4/192.0.2.1/udp/3478` */
  stun: string[]
}

export interface SeedAnswerPage {
  /** Best first; records that do not hold are left out */
  peers: SignedCapabilities[]
  /** For the next page, at the same seed with the same filters; `undefined` when there is none */
  cursor?: Uint8Array<ArrayBuffer>
  /** `too_early`, `stale_cursor`, `malformed`, `unavailable`: why there is no page */
  refused?: string
  retryAfterMs: number
}

export interface AskSeedInit {
  libp2p: Libp2p
  clock: Clock
  seed: PeerId
  /** Envelope of this peer's capabilities; left out, nothing is registered */
  capabilities?: Uint8Array<ArrayBuffer>
  wantPeers?: number
  wantModels?: number
  wantRelays?: number
  /** What the seed has asked to be shown */
  proofs?: SeedProof[]
  /** How many others this peer is connected to */
  connections?: number
  /** Which peers are wanted; a page of more than 20 only when neither peers nor models are */
  discover?: SeedDiscover
  signal?: AbortSignal
}

/** How long a seed may take for an answer. */
const ANSWER_TIMEOUT_MS = 10_000
/** Most peers of a page that are looked at. */
const MAX_DISCOVERED = 100

export async function askSeed (init: AskSeedInit): Promise<SeedAnswer> {
  const { libp2p, clock } = init
  const limit = deadline(clock, ANSWER_TIMEOUT_MS, [init.signal])
  const { signal } = limit

  try {
    const stream = await libp2p.dialProtocol(init.seed, PROTOCOLS.seed, { signal, runOnLimitedConnection: true })
    try {
      const messages = pbStream(stream, { maxDataLength: MAX_SEED_MESSAGE_BYTES })
      const askedMs = clock.nowMs()
      await messages.write({
        capabilities: init.capabilities,
        wantPeers: init.wantPeers ?? 0,
        wantModels: init.wantModels ?? 0,
        wantRelays: init.wantRelays ?? 0,
        connections: init.connections ?? 0,
        discover: init.discover,
        proofs: init.proofs ?? []
      }, SeedRequest, { signal })
      const response = await messages.read(SeedResponse, { signal })
      const answeredMs = clock.nowMs()
      await stream.close({ signal })
      const refusal = response.refused === ''
        ? undefined
        : { reason: plain(response.refused), message: plain(response.message), unmet: unmetRules(response.demands) }
      return {
        refused: refusal && `${refusal.reason}: ${refusal.message}`,
        refusal,
        lifeMs: response.lifeMs,
        retryAfterMs: response.retryAfterMs,
        peers: (await Promise.all(response.peers.slice(0, MAX_SEED_PEERS).map(async envelope => await openPeer(envelope, clock.nowMs()))))
          .flatMap(address => address == null || address.endsWith(`/p2p/${libp2p.peerId.toString()}`) ? [] : [address]),
        models: response.models.slice(0, MAX_SEED_MODELS),
        relays: (await openAll(response.relays.slice(0, MAX_SEED_RELAYS), clock.nowMs())).filter(({ capabilities }) => capabilities.relay != null),
        page: response.page == null ? undefined : await openPage(response.page, clock.nowMs()),
        ...response.timeMs === 0
          ? {}
          : { clock: { aheadMs: response.timeMs - (askedMs + answeredMs) / 2, errorMs: (answeredMs - askedMs) / 2 } },
        stun: stunServers(response.stun, libp2p.getConnections(init.seed).find(connection => !isRelayed(connection))?.remoteAddr.toString())
      }
    } catch (error) {
      stream.abort(error as Error)
      throw error
    }
  } finally {
    limit.clear()
  }
}

/** @param dialled where the seed was: its host stands for one that the seed does not name; without it such an address is of no use */
export function stunServers (told: readonly string[], dialled: string | undefined): string[] {
  const [seedHost] = /^\/(?:ip4|ip6|dns4|dns6|dns)\/[^/]+/.exec(dialled ?? '') ?? []
  return told.slice(0, MAX_SEED_STUN).flatMap(address => {
    const [, named = '', digits] = /^(\/(?:ip4|ip6|dns4|dns6|dns)\/[^/]{1,253})\/udp\/(\d{1,5})$/.exec(address) ?? []
    const host = named === '/ip4/0.0.0.0' || named === '/ip6/::' ? seedHost : named
    const port = Number(digits)
    return host === undefined || host === '' || !(port > 0 && port <= 65_535) ? [] : [`${host}/udp/${port}`]
  })
}

async function openPage (page: SeedPage, nowMs: number): Promise<SeedAnswerPage> {
  return {
    peers: await openAll(page.peers.slice(0, MAX_DISCOVERED), nowMs),
    cursor: page.cursor.length === 0 ? undefined : page.cursor,
    refused: page.refused === '' ? undefined : page.refused,
    retryAfterMs: page.retryAfterMs
  }
}

async function openAll (envelopes: Uint8Array[], nowMs: number): Promise<SignedCapabilities[]> {
  const opened = await Promise.all(envelopes.map(async envelope => await openCapabilities(envelope, nowMs).catch(() => undefined)))
  return opened.filter(record => record != null)
}

/** Where the peer of a signed record is dialled; `undefined` when the record is no good: one bad record does not spoil an answer. */
async function openPeer (envelope: Uint8Array, nowMs: number): Promise<string | undefined> {
  try {
    const { capabilities } = await openCapabilities(envelope, nowMs)
    // a circuit is for a request to that peer, not for being acquainted
    const address = capabilities.addresses.find(one => !one.includes('/p2p-circuit'))
    return address == null ? undefined : `${address}/p2p/${capabilities.peer}`
  } catch {
    return undefined
  }
}
