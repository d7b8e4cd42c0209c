/** What of super-nodes runs under Node only: STUN, and the table of autonomous systems. */
export type { NatFilteringClass, NatMappingClass } from '../nat-class.ts'
export type { StunAddress } from '../stun-message.ts'
export type { DatagramSocket, DatagramSocketInit, OpenDatagramSocket } from './datagram-socket.ts'
export { natMapping } from './nat-mapping.ts'
export type { NatMapping, NatMappingOptions } from './nat-mapping.ts'
export { stunQuery, StunRefusedError, StunTimeoutError } from './stun-query.ts'
export type { StunMapping, StunQueryOptions, StunServer } from './stun-query.ts'
export { StunListenError, StunResponder } from './stun-responder.ts'
export type { StunCounters, StunResponderInit } from './stun-responder.ts'
export { openSystemTable, SystemTableError } from './system-table.ts'
export type { SystemTable, SystemTableInit } from './system-table.ts'
/** What a super-node keeps on disk. */
export { FenceMarkError, FenceMarkFile } from './fence-mark-file.ts'
