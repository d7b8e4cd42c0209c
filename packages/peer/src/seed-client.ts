/** The peer's side of `/skein/seed/1.0.0`: register at a seed, and hear of peers and models. */
import { pbStream } from '@libp2p/utils'
import { deadline } from '@skein/core'
import { MAX_SEED_MESSAGE_BYTES, MAX_SEED_MODELS, MAX_SEED_PEERS, openCapabilities, PROTOCOLS, SeedRequest, SeedResponse } from '@skein/records'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { SeedModel } from '@skein/records'

export interface SeedAnswer {
  /** Why the registration was refused, `undefined` when it was not */
  refused?: string
  lifeMs: number
  retryAfterMs: number
  /** Multiaddr texts with `/p2p/…` of other peers, from records these peers signed */
  peers: string[]
  models: SeedModel[]
}

export interface AskSeedInit {
  libp2p: Libp2p
  clock: Clock
  seed: PeerId
  /** Envelope of this peer's capabilities; left out, nothing is registered */
  capabilities?: Uint8Array<ArrayBuffer>
  wantPeers?: number
  wantModels?: number
  signal?: AbortSignal
}

/** How long a seed may take for an answer. */
const ANSWER_TIMEOUT_MS = 10_000

export async function askSeed (init: AskSeedInit): Promise<SeedAnswer> {
  const { libp2p, clock } = init
  const limit = deadline(clock, ANSWER_TIMEOUT_MS, [init.signal])
  const { signal } = limit

  try {
    const stream = await libp2p.dialProtocol(init.seed, PROTOCOLS.seed, { signal, runOnLimitedConnection: true })
    try {
      const messages = pbStream(stream, { maxDataLength: MAX_SEED_MESSAGE_BYTES })
      await messages.write({
        capabilities: init.capabilities,
        wantPeers: init.wantPeers ?? 0,
        wantModels: init.wantModels ?? 0
      }, SeedRequest, { signal })
      const response = await messages.read(SeedResponse, { signal })
      await stream.close({ signal })
      return {
        refused: response.refused === '' ? undefined : `${response.refused}: ${response.message}`,
        lifeMs: response.lifeMs,
        retryAfterMs: response.retryAfterMs,
        peers: (await Promise.all(response.peers.slice(0, MAX_SEED_PEERS).map(async envelope => await openPeer(envelope, clock.nowMs()))))
          .flatMap(address => address == null || address.endsWith(`/p2p/${libp2p.peerId.toString()}`) ? [] : [address]),
        models: response.models.slice(0, MAX_SEED_MODELS)
      }
    } catch (error) {
      stream.abort(error as Error)
      throw error
    }
  } finally {
    limit.clear()
  }
}

/** Where the peer of a signed record is dialled; `undefined` when the record is no good: one bad record does not spoil an answer. */
async function openPeer (envelope: Uint8Array, nowMs: number): Promise<string | undefined> {
  try {
    const { capabilities } = await openCapabilities(envelope, nowMs)
    const [address] = capabilities.addresses
    return address == null ? undefined : `${address}/p2p/${capabilities.peer}`
  } catch {
    return undefined
  }
}
