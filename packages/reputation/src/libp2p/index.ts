/** The exchange of receipts, and of challenges, on libp2p. */
export { receipts, ReceiptService } from './receipt-service.ts'
export type { AskOptions, AskOutcome, OfferOutcome, ReceiptEvents, ReceiptsComponents, ReceiptsInit } from './receipt-service.ts'
export type { OfferRefusal, ReceiptCounters, ReceiptOffence } from './receipt-counters.ts'
export { ReceiptProtocolError } from './receipt-stream.ts'
export { CapabilityError } from './capability-error.ts'
export type { CapabilityErrorInit, CapabilityProblem } from './capability-error.ts'
export { CapabilityService } from './capability-service.ts'
export type { CapabilityEvents, CapabilityServiceInit, MeasureMemoryOptions } from './capability-service.ts'
