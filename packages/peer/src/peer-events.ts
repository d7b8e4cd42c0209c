/** What a peer tells of itself while it runs. */
import type { Connection } from '@libp2p/interface'
import type { InferenceError } from '@skein/inference'

export interface PeerEvents {
  /** A connection to another peer stands */
  'peer:connected': CustomEvent<{ peer: string, address: string, direction: Connection['direction'] }>
  'peer:disconnected': CustomEvent<{ peer: string }>
  /** This peer began or ceased to offer a model */
  'model:served': CustomEvent<{ model: string }>
  'model:withdrawn': CustomEvent<{ model: string }>
  /** One provider was asked; `error` is set when it failed, and then another may follow */
  'call:attempt': CustomEvent<{ model: string, peer: string, attempt: number, deltas: number, error?: InferenceError }>
}
