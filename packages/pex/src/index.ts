/** Peer exchange without I/O: the rules, the view, the machine; the address book, and whom to dial from it. */
export { isLocalAddress, smallNetworkOf, wideNetworkOf } from './address-network.ts'
export {
  AddressTables, MAX_CONTESTED, NEW_BUCKETS, NEW_BUCKETS_PER_SOURCE, NEW_SLOTS, TRIED_BUCKETS, TRIED_BUCKETS_PER_NETWORK, TRIED_SLOTS
} from './address-tables.ts'
export type { AddressTablesChanges, AddressTablesInit, KnownAddress } from './address-tables.ts'
export type { AddressTablesStore, KeptTables, StoreChanges } from './address-tables-store.ts'
export { DIAL_MINUTE_MS, DIAL_WINDOW_MS, DialLimits } from './dial-limits.ts'
export type { DialCounters, DialLimitsInit } from './dial-limits.ts'
export { newExchangeCounters, PEX_OFFENCES } from './exchange-counters.ts'
export type { ExchangeCounters, PexOffence } from './exchange-counters.ts'
export {
  dropRank, dropsAsked, EXCHANGE_BOUNDS, EXCHANGE_POLICIES, mayReplace, oldestToGo, recordsWanted, sendsOwnRecord
} from './exchange-rules.ts'
export type { ExchangePolicy } from './exchange-rules.ts'
export { KeptAddressTables } from './kept-address-tables.ts'
export type { KeptAddressTablesInit } from './kept-address-tables.ts'
export { DIAL_TIMEOUT_MS, OutboundKeeper } from './outbound-keeper.ts'
export type { OutboundEffect, OutboundKeeperInit } from './outbound-keeper.ts'
export { OutboundPlan } from './outbound-plan.ts'
export type { AddressesLeft, AddressSource, NetworkKey, OutboundRule } from './outbound-plan.ts'
export { ASK_TIMEOUT_MS, PeerExchange } from './peer-exchange.ts'
export type { PeerExchangeInit, PexEffect } from './peer-exchange.ts'
export {
  MAX_PEER_ADDRESSES, MAX_PEER_RECORD_BYTES, MAX_PEER_RECORD_LIFE_MS, openPeerRecord, PEER_RECORD_KIND, signPeerRecord
} from './peer-record.ts'
export type { PeerRecord } from './peer-record.ts'
export { CHECK_LIFE_MS, MAX_VIEW, MIN_VIEW, PeerView } from './peer-view.ts'
export type { Merged, PeerViewInit, ViewEntry } from './peer-view.ts'
export { VerifiedRecords } from './verified-records.ts'
export type { VerifiedRecordsInit } from './verified-records.ts'
