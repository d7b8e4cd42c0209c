/** What a handshake comes to, and a connection starts from. */
import type { ConnectionKeys } from './connection-keys.ts'
import type { ConnectionSettings } from './connection-options.ts'
import type { AgreedTerms } from './handshake-terms.ts'

export interface Established {
  settings: ConnectionSettings
  terms: AgreedTerms
  socketId: number
  peerSocketId: number
  /** Both sides begin with the caller's */
  initialSequence: number
  /** Zero of this side's timestamps, ms of its clock */
  startMs: number
  /** The timestamp that the other side's handshake had, and when it came */
  peerTimestamp: number
  peerTimestampAtMs: number
  streamId?: string
  keys?: ConnectionKeys
}
