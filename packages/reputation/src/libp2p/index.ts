/** The exchange of receipts on libp2p. */
export { receipts, ReceiptService } from './receipt-service.ts'
export type { AskOptions, AskOutcome, OfferOutcome, ReceiptEvents, ReceiptsComponents, ReceiptsInit } from './receipt-service.ts'
export type { OfferRefusal, ReceiptCounters, ReceiptOffence } from './receipt-counters.ts'
export { ReceiptProtocolError } from './receipt-stream.ts'
