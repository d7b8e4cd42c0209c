/** `skein media-watch`: plays a stream of a media relay in the mesh to players of this machine. */
import { multiaddr } from '@multiformats/multiaddr'
import { systemClock } from '@skein/core/system'
import { playFromMesh } from '../mesh-playback.ts'
import { reachPeer } from '../reached-peer.ts'
import type { CommandContext } from '../command-context.ts'
import type { MeshPlaybackOptions } from '../mesh-playback.ts'

/** @param relay a peer id, or a multiaddr that ends with one */
export async function mediaWatch (context: CommandContext, options: MeshPlaybackOptions, relay: string, player: string): Promise<void> {
  await playFromMesh(context, options, {
    stream: { player },
    reach: async (peer, signal) => {
      const id = await reachPeer(peer, relay, systemClock(), signal)
      return { id, target: relay.startsWith('/') ? multiaddr(relay) : id }
    }
  })
}
