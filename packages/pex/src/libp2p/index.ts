/** Peer exchange on libp2p, and the connections that a node makes itself. */
export { DialRefusedError, limitDials } from './limited-dials.ts'
export type { DialRefusal, LimitedDialsInit } from './limited-dials.ts'
export { OutboundConnections } from './outbound-connections.ts'
export type { OutboundConnectionsInit, OutboundCounters } from './outbound-connections.ts'
export { peerExchange, PeerExchangeService } from './peer-exchange-service.ts'
export type { PeerExchangeComponents, PeerExchangeEvents, PeerExchangeServiceInit } from './peer-exchange-service.ts'
export { closeUnused } from './unused-connection.ts'
