/** Peer exchange on libp2p. */
export { peerExchange, PeerExchangeService } from './peer-exchange-service.ts'
export type { PeerExchangeComponents, PeerExchangeEvents, PeerExchangeServiceInit } from './peer-exchange-service.ts'
