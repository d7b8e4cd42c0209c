/** What a media relay tells of. Stream ids are secrets: whoever reads one may use it. */
import type { Refusal } from '../admission.ts'
import type { StreamRole } from '../stream-id.ts'
import type { ConnectionEnd } from './publisher-port.ts'

export interface MediaRelayEvents {
  'publisher:connected': CustomEvent<{ publisher: string, address: string }>
  /** It has sent nothing for a while, and may be taken over */
  'publisher:stale': CustomEvent<{ publisher: string }>
  /** It sends again */
  'publisher:back': CustomEvent<{ publisher: string }>
  'publisher:closed': CustomEvent<{ publisher: string, reason: ConnectionEnd }>
  'player:connected': CustomEvent<{ player: string, address: string }>
  /** `droppedPackets`: those that it was too slow for */
  'player:closed': CustomEvent<{ player: string, reason: ConnectionEnd, sentPackets: number, droppedPackets: number }>
  'caller:refused': CustomEvent<{ role: StreamRole, reason: Refusal, address: string }>
}
