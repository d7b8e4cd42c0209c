/** `skein media-ingest`: has a super-node take a stream of an encoder in, and plays it to players of this machine, from behind any NAT. */
import { multiaddr } from '@multiformats/multiaddr'
import { randomBytes, sleep } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { PROTOCOLS } from '@skein/records'
import { playFromMesh } from '../mesh-playback.ts'
import { reachPeer } from '../reached-peer.ts'
import type { PeerId } from '@libp2p/interface'
import type { Peer } from '@skein/peer'
import type { CommandContext } from '../command-context.ts'
import type { MeshPlaybackOptions } from '../mesh-playback.ts'

export interface MediaIngestOptions extends MeshPlaybackOptions {
  region?: string
  publisher?: string
}

/** No super-node that takes streams in is known: name one, or wait until the region has one. */
export class NoIngestError extends Error {
  static override name = 'NoIngestError'
  override readonly name = 'NoIngestError'

  constructor (region: string | undefined, options: ErrorOptions = {}) {
    const where = region === undefined ? '' : ` in ${region}`
    super(`No super-node that takes streams in was found${where}: name one by its address, or try again later`, options)
  }
}

const LOOK_MS = 500
const TOKEN_BYTES = 18
const PLAYER_TOKEN_BYTES = 9

/** @param relay a peer id, or a multiaddr that ends with one; left out, a super-node of the region */
export async function mediaIngest (context: CommandContext, options: MediaIngestOptions, relay: string | undefined): Promise<void> {
  const { region, publisher = `live_${token(TOKEN_BYTES)}` } = options
  await playFromMesh(context, options, {
    stream: { player: `play_${token(PLAYER_TOKEN_BYTES)}`, ingest: publisher },
    peer: { region },
    reach: async (peer, signal) => {
      if (relay === undefined) {
        const id = await findIngest(peer, region, signal)
        return { id, target: id }
      }
      const id = await reachPeer(peer, relay, systemClock(), signal)
      return { id, target: relay.startsWith('/') ? multiaddr(relay) : id }
    },
    onIngest: ({ srtlaPort, publisherPort }, host = 'HOST') => {
      context.output.event('ingest', { host, srtlaPort, publisherPort, publisher }, [
        `publish srt://${host}:${publisherPort}?streamid=${publisher}`,
        ...srtlaPort === undefined
          ? []
          : [`or over several links: skein srtla send 4010 ${host} ${srtlaPort} links.txt`, `and publish srt://127.0.0.1:4010?streamid=${publisher}`]
      ].join('\n'))
    }
  })
}

/** @throws {NoIngestError} when the signal fires */
async function findIngest (peer: Peer, region: string | undefined, signal: AbortSignal): Promise<PeerId> {
  for (let cause: unknown; ;) {
    for (const { peer: id, addresses } of peer.superNodesWith('ingest')) {
      try {
        const { remotePeer } = await peer.libp2p.dial(addresses.map(address => multiaddr(`${address}/p2p/${id}`)), { signal })
        // the role is that of who keeps places for sessions too, and does not hand streams on
        const stream = await peer.libp2p.dialProtocol(remotePeer, PROTOCOLS.media, { signal })
        stream.abort(new Error('It was only tried'))
        return remotePeer
      } catch (error) {
        cause = error
      }
    }
    await sleep(systemClock(), LOOK_MS, { signal }).catch(() => { throw new NoIngestError(region, { cause }) })
  }
}

function token (bytes: number): string {
  return Buffer.from(randomBytes(systemRandom(), bytes)).toString('base64url')
}
