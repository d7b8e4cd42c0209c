/** A seed: a node of the mesh that newcomers are told to dial first. */
import { createPeer } from '@skein/peer'
import { seedService } from './seed-service.ts'
import type { SeedService, SeedServiceInit } from './seed-service.ts'
import type { Peer, PeerInit } from '@skein/peer'

export interface SeedInit extends Omit<PeerInit, 'services'>, Pick<SeedServiceInit, 'maxRegistrations'> {}

export interface Seed {
  /** Peer id, as text */
  id: string
  /** Multiaddr texts with `/p2p/…`: what peers are given as bootstrap */
  addresses: string[]
  /** The node of the mesh that the seed is */
  peer: Peer
  service: SeedService
  stop: (options?: { drainMs?: number }) => Promise<void>
}

/**
 * Starts a seed.
 *
 * @throws what `createPeer` throws
 */
export async function createSeed (init: SeedInit = {}): Promise<Seed> {
  const { maxRegistrations, ...peerInit } = init
  let service: SeedService | undefined
  const peer = await createPeer({
    maxConnections: 4_000,
    ...peerInit,
    services: {
      seed: components => {
        service = seedService({ maxRegistrations, clock: init.clock, random: init.random })(components)
        return service
      }
    }
  })
  return {
    id: peer.id,
    get addresses () { return peer.addresses },
    peer,
    service: service as SeedService,
    stop: async options => { await peer.stop(options) }
  }
}
