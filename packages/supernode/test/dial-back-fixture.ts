/** Nodes with dial-back on loopback addresses that stand for networks: each at a 127.X.0.1 of its own, a system for each /16. */
import { noise } from '@libp2p/noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { dialBack } from '../src/libp2p/index.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { VerifiedNetwork } from '@skein/records'
import type { DialBackInit, DialBackService } from '../src/libp2p/index.ts'

export type DialBackNode = Libp2p<{ dialBack: DialBackService }>

/** /24, /16 and a system for each /16 of 127.0.0.0/8, 127.0.0.0/16 aside. */
export function loopbackNetwork (address: string): VerifiedNetwork | undefined {
  const [, second, third] = /^\/ip4\/127\.(\d+)\.(\d+)\.\d+(?:\/|$)/.exec(address) ?? []
  return second === undefined || third === undefined || second === '0' || address.includes('/p2p-circuit')
    ? undefined
    : { small: `127.${second}.${third}.0/24`, wide: `127.${second}.0.0/16`, system: 64_512 + Number(second) }
}

export interface NodeChanges extends Partial<DialBackInit> {
  announce?: string[]
  listen?: string[]
}

export async function nodeAt (host: string, { announce, listen, ...init }: NodeChanges = {}): Promise<DialBackNode> {
  return await createLibp2p({
    addresses: { listen: listen ?? [`/ip4/${host}/tcp/0`], announce },
    // a property of `net.connect`, to which these options go
    transports: [tcp({ dialOpts: { localAddress: host } as object })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), dialBack: dialBack({ networkOf: loopbackNetwork, ...init }) }
  })
}

export function addressesOf (node: { getMultiaddrs: () => Array<{ toString: () => string }> }): string[] {
  return node.getMultiaddrs().map(address => address.toString())
}

/** Waits until it is known at `node` that `peer` speaks the protocol. */
export async function identified (node: DialBackNode, peer: PeerId): Promise<void> {
  const isKnown = async (): Promise<boolean> => (await node.peerStore.get(peer).catch(() => undefined))?.protocols.length !== 0 &&
    (await node.peerStore.has(peer))
  if (!await isKnown()) {
    await new Promise<void>(resolve => {
      node.addEventListener('peer:identify', ({ detail }) => {
        if (detail.peerId.equals(peer)) {
          resolve()
        }
      })
    })
  }
}
