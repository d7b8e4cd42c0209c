/** `skein fleet connect --mesh`: a relay at an elected super-node, kept by this peer alone. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@skein/core/system'
import { MeshNamePublisher, MeshSessions } from '@skein/fleet'
import { createPeer } from '@skein/peer'
import { SessionLeases } from '@skein/supernode/libp2p'
import { visitorInit } from '../node-options.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { SessionRequests } from '@skein/fleet'
import type { Peer } from '@skein/peer'
import type { Output } from '../output.ts'

export interface MeshOptions {
  seed: string[]
  region: string
  /** Of the peer whose names and tokens these are */
  identity?: string
}

export interface MeshConnection {
  requests: SessionRequests
  peer: Peer
  close: () => Promise<void>
}

/** A key of its own for each folder: names and stream ids of slots are drawn from it, so that they stay. */
export const MESH_FOLDER = join(homedir(), '.skein', 'fleet')

/** Names of slots are kept in the mesh, and found by `skein resolve`. @throws what `createPeer` throws */
export async function openMesh (options: MeshOptions, output: Output, stop: AbortSignal): Promise<MeshConnection> {
  const clock = systemClock()
  const { peer, privateKey } = await createKeyedPeer(options, output, stop)
  const leases = new SessionLeases({
    libp2p: peer.libp2p,
    leases: () => peer.superNodeLeases,
    seek: () => { peer.seekSuperNodes() },
    clock,
    log: peer.libp2p.logger.forComponent('skein:sessions')
  })
  leases.addEventListener('session:starved', ({ detail: { refusals } }) => {
    const why = refusals.length === 0
      ? 'no super-node of the region carries streams, as far as is known yet'
      : refusals.map(({ holder, why }) => `${holder} ${why}`).join(', ')
    output.event('starved', { refusals }, `  no place yet: ${why}`)
  })
  leases.start()
  const sessions = new MeshSessions({
    leases,
    names: new MeshNamePublisher({ routing: peer.libp2p.services.routing }),
    owner: peer.id,
    secret: privateKey.raw,
    clock,
    onProblem: (message, error) => { output.event('problem', { message, error: error.message }, `${message}: ${error.message}`) }
  })
  return {
    requests: sessions,
    peer,
    close: async () => {
      await sessions.close()
      leases.stop()
      await peer.stop()
    }
  }
}

/** A peer, and the key that it has or was given. */
async function createKeyedPeer (
  { seed, region, identity }: MeshOptions, output: Output, stop: AbortSignal
): Promise<{ peer: Peer, privateKey: PrivateKey }> {
  let privateKey: PrivateKey | undefined
  const peer = await createPeer({
    ...visitorInit({ seed, data: identity ?? MESH_FOLDER }, output),
    region,
    signal: stop,
    services: {
      identity: (components: { privateKey: PrivateKey }) => {
        privateKey = components.privateKey
        return {}
      }
    }
  })
  return { peer, privateKey: privateKey as PrivateKey }
}
