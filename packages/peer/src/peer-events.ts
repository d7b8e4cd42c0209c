/** What a peer tells of itself while it runs. */
import type { Connection } from '@libp2p/interface'
import type { InferenceError } from '@skein/inference'
import type { ReachabilityEvents } from '@skein/reachability/libp2p'
import type { MappedPort } from './paths/mapped-port.ts'
import type { PuzzleProgress } from './admission/puzzle-keeper.ts'
import type { SeedRefusal } from './admission/seed-refusal.ts'

export interface PeerEvents {
  /** A connection to another peer stands */
  'peer:connected': CustomEvent<{ peer: string, address: string, direction: Connection['direction'] }>
  'peer:disconnected': CustomEvent<{ peer: string }>
  /** A seed refused to register this peer */
  'seed:refused': CustomEvent<SeedRefusal>
  /** Work is done for a seed that asks for it: several times a second, and when it is done */
  'puzzle:progress': CustomEvent<PuzzleProgress>
  /** Others can reach this peer through a relay, under these addresses */
  'relay:reserved': CustomEvent<{ relay: string, addresses: string[] }>
  /** … and no longer; another reservation is sought */
  'relay:lost': CustomEvent<{ relay: string, addresses: string[] }>
  /** The router maps a port to this peer, somebody came in there, and others are told of the address from now on */
  'port:mapped': CustomEvent<MappedPort>
  /** … and no longer; it is asked for again */
  'port:unmapped': CustomEvent<MappedPort>
  /** Another super-node is used first; `from` is `undefined` the first time, `afterMs` is how long there was none */
  'super-node:moved': CustomEvent<{ from: string | undefined, to: string, afterMs: number }>
  /** The way to a peer is another one now; `undefined`: not connected. Answers under way end on the way on which they began */
  'path:changed': ReachabilityEvents['path:changed']
  /** This peer began or ceased to offer a model */
  'model:served': CustomEvent<{ model: string }>
  'model:withdrawn': CustomEvent<{ model: string }>
  /** This peer is in another cluster now */
  'cluster:changed': CustomEvent<{ scope: string }>
  /** Another peer coordinates a part of the network that this one is in; `undefined` while nobody does */
  'coordinator:changed': CustomEvent<{ scope: string, peer: string | undefined }>
  /** An answer was the same at another provider */
  'check:agreed': CustomEvent<{ model: string, providers: string[] }>
  /** Providers of a deterministic model gave different answers; `odd` stood alone against two, and is left out when it is not known who is wrong */
  'check:disputed': CustomEvent<{ model: string, providers: string[], odd?: string }>
  /** One provider was asked; `error` is set when it failed, and then another may follow */
  'call:attempt': CustomEvent<{ model: string, peer: string, attempt: number, deltas: number, error?: InferenceError }>
}
