/** What a member of a cluster wants done. */
import type { ZoneAnchor } from './zone.ts'

/**
 * - `join`, `leave`, `publish`: of a topic, in this order for each of them
 * - `send`: this message over a stream; `onUnreachable` when that fails
 * - `ask`: the same, and `onAnswer` with what comes back, or `onAskFailed`
 * - `connect`: a connection to a peer of the same topic is wanted
 * - `probe`: find out whether a peer that was connected can be reached, and say `onProbed`
 * - `advertise`: let those that seek a part find this node, from now on or no longer
 * - `seek`: find those that advertise it, say `onFound` of each and `onSought` at the end
 * - `cluster`, `coordinator`, `held`, `anchors`: this has changed
 * - `penalize`: a peer sent what nobody sends who keeps the protocol
 *
 * `addresses` are where a peer said that it can be dialled; empty when that is to be found out.
 */
export type ClusterEffect =
  | { type: 'join' | 'leave', topic: string }
  | { type: 'publish', topic: string, bytes: Uint8Array }
  | { type: 'send' | 'ask', peer: string, addresses: string[], bytes: Uint8Array, topic?: string }
  | { type: 'connect', peer: string, addresses: string[] }
  | { type: 'probe', peer: string }
  | { type: 'advertise', scope: string, active: boolean }
  | { type: 'seek', scope: string }
  | { type: 'cluster', scope: string }
  | { type: 'coordinator', scope: string, peer: string | undefined }
  | { type: 'held', scopes: string[] }
  | { type: 'anchors', anchors: ZoneAnchor[] }
  | { type: 'penalize', peer: string, reason: string }

export type EmitClusterEffect = (effect: ClusterEffect) => void
