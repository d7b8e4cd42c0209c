/** `skein resolve`: where a name of the mesh points. */
import { systemClock } from '@skein/core/system'
import { MeshNameResolver, parseMeshName } from '@skein/fleet'
import { createPeer } from '@skein/peer'
import { visitorInit } from '../node-options.ts'
import type { CommandContext } from '../command-context.ts'

export interface ResolveCommandOptions {
  seed: string[]
  timeout: number
}

/** @throws {NameSyntaxError | NameNotFoundError | NameAmbiguousError} */
export async function resolve ({ output, stop }: CommandContext, options: ResolveCommandOptions, name: string): Promise<void> {
  parseMeshName(name) // before a peer is started for it
  const clock = systemClock()
  const peer = await createPeer({ ...visitorInit(options, output), signal: stop })
  try {
    const resolver = new MeshNameResolver({ routing: peer.libp2p.services.routing, timeoutMs: options.timeout * 1_000, clock })
    const record = await resolver.resolve(name, { signal: stop })
    const seconds = Math.max(0, Math.round((record.expiresAtMs - clock.nowMs()) / 1_000))
    output.event('resolved', { ...record }, `${record.host}\n  says ${record.name}.${record.owner}, for ${seconds} s unless it is renewed`)
  } finally {
    await peer.stop()
  }
}
