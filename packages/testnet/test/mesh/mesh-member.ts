/** Runs peers in a process of their own, told what to do by its parent: started by `MeshProcess`. */
import { createPeer } from '@skein/peer'
import type { Peer } from '@skein/peer'
import type { MeshCommand, MeshReply, PeerLinks, StartedPeer } from './mesh-process.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const peers: Peer[] = []

async function start ({ models, bootstrap }: Extract<MeshCommand, { type: 'start' }>): Promise<StartedPeer[]> {
  return await Promise.all(models.map(async (model, i) => {
    const peer = await createPeer({ listen: [LOOPBACK], bootstrap: bootstrap[i], region: 'eu-west' })
    peers.push(peer)
    await peer.serve(model, async () => `answer of ${model}`)
    return { id: peer.id, addresses: peer.addresses }
  }))
}

/** Which of the models each peer does not find. */
async function find ({ models, timeoutMs }: Extract<MeshCommand, { type: 'find' }>): Promise<string[][]> {
  const missing: string[][] = []
  for (const peer of peers) {
    const lost: string[] = []
    for (const model of models) {
      if (!await finds(peer, model, AbortSignal.timeout(timeoutMs))) {
        lost.push(model)
      }
    }
    missing.push(lost)
  }
  return missing
}

async function finds (peer: Peer, model: string, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const offer of peer.findModel(model, { signal })) {
      return offer.model === model
    }
  } catch {
    // not found in time
  }
  return false
}

function links (): PeerLinks[] {
  return peers.map(peer => ({
    id: peer.id,
    connected: peer.libp2p.getConnections().filter(({ status }) => status === 'open').map(({ remotePeer }) => remotePeer.toString()),
    view: [...peer.libp2p.services.pex?.view.values() ?? []].map(({ record }) => record.peer)
  }))
}

async function perform (command: MeshCommand): Promise<unknown> {
  switch (command.type) {
    case 'start':
      return await start(command)
    case 'find':
      return await find(command)
    case 'links':
      return links()
  }
}

process.on('message', ({ id, command }: { id: number, command: MeshCommand }) => {
  perform(command).then(
    result => { process.send?.({ id, result } satisfies MeshReply) },
    (error: Error) => { process.send?.({ id, error: error.stack ?? error.message } satisfies MeshReply) }
  )
})
process.on('disconnect', () => { process.exit(0) })
