/** What runs in the page of the tests: a peer, and what they have it do, as functions of `globalThis.skein`. */
import { createPeer } from '@skein/peer'
import { smokeBackend } from '@skein/smoke-model'
import { webRtc } from '@skein/webrtc'
import type { CallRoute, Peer } from '@skein/peer'

export interface PageAnswer {
  text: string
  /** How many pieces it came in */
  pieces: number
  route: CallRoute
}

export interface TestPage {
  /** Resolves with its peer id */
  join: (bootstrap: string[], stun?: string[]) => Promise<string>
  chat: (body: { model: string, messages: Array<{ role: string, content: string }> } & Record<string, unknown>) => Promise<PageAnswer>
  /** Serves the embedded model, reached through a relay */
  serve: () => Promise<void>
  relays: () => Array<{ relay: string, addresses: string[] }>
  connections: () => string[]
  stop: () => Promise<void>
}

let peer: Peer | undefined

function running (): Peer {
  if (peer === undefined) {
    throw new Error('join() first')
  }
  return peer
}

const skein: TestPage = {
  join: async (bootstrap, stun) => {
    peer = await createPeer({ bootstrap, ...stun === undefined ? {} : { reachability: { stun, webrtc: webRtc() } } })
    return peer.id
  },
  chat: async body => {
    const call = running().chat(body)
    const pieces: string[] = []
    for await (const piece of call.textStream()) {
      pieces.push(piece)
    }
    return { text: pieces.join(''), pieces: pieces.length, route: await call.route }
  },
  serve: async () => {
    await running().reserveRelay()
    await running().serve(smokeBackend())
  },
  relays: () => running().relays,
  connections: () => running().libp2p.getConnections().map(({ remoteAddr }) => remoteAddr.toString()),
  stop: async () => { await peer?.stop() }
}

Object.assign(globalThis, { skein })
