/** What Skein signs and sends. */
export { registerBondedAddresses, SRTLA_CODE, SRTLA_NAME } from './bonded-address.ts'
export { CAPABILITIES_KIND, MAX_CAPABILITIES_LIFE_MS, openCapabilities, readCapabilities, signCapabilities } from './capabilities.ts'
export type { Capabilities, Hardware, RelayLoad, SignedCapabilities } from './capabilities.ts'
export {
  CREDENTIAL_KIND, MAX_CREDENTIAL_BYTES, MAX_CREDENTIAL_LIFE_MS, openCredential, readCredential, signCredential
} from './credential.ts'
export type { Credential, SignedCredential } from './credential.ts'
export { CredentialTextError, credentialText, parseCredentials } from './credential-text.ts'
export type { PeerCredential } from './credential-text.ts'
export { checkLife, MAX_CLOCK_SKEW_MS, MAX_ENVELOPE_BYTES, openEnvelope, sealEnvelope } from './envelope.ts'
export type { Opened, RecordKind } from './envelope.ts'
export { networkOf } from './network-group.ts'
export { MAX_OFFER_LIFE_MS, OFFER_KIND, openOffer, readOffer, signOffer } from './offer.ts'
export type { Offer, SignedOffer } from './offer.ts'
export { peerIdBytesOf, peerNameOf } from './peer-name.ts'
export { PROTOCOLS } from './protocols.ts'
export {
  countersignReceipt, joinReceipts, MAX_RECEIPT_BYTES, MAX_RECEIPT_DURATION_MS, MAX_RECEIPT_LIFE_MS, openReceipt, openReceiptProof, readReceiptProof,
  RECEIPT_KIND, receiptKey, signReceipt
} from './receipt.ts'
export type {
  InferenceReceipt, Receipt, ReceiptKind, ReceiptOutcome, ReceiptPath, ReceiptProof, RelayReceipt, SignedReceipt
} from './receipt.ts'
export { RecordError } from './record-error.ts'
export type { RecordErrorReason } from './record-error.ts'
export { isRelayed, seenAddress } from './relayed-connection.ts'
export type { ConnectionAddress } from './relayed-connection.ts'
export { SeqGuard } from './seq-guard.ts'
export type { SeqGuardInit } from './seq-guard.ts'
export {
  MAX_PROOF_PART_BYTES, MAX_PROOF_PARTS, MAX_SEED_MESSAGE_BYTES, MAX_SEED_MODELS, MAX_SEED_PEERS, MAX_SEED_PROOFS, MAX_SEED_RELAYS, MAX_SEED_STUN,
  SeedRequest,
  SeedResponse
} from './seed-message.ts'
export type { SeedDemand, SeedDiscover, SeedModel, SeedPage, SeedProof } from './seed-message.ts'
export {
  checkPlace, MAX_SESSION_ID_BYTES, MAX_SESSION_LEASE_BYTES, MAX_SESSION_LEASE_LIFE_MS, openSessionLease, SESSION_LEASE_KIND, signSessionLease
} from './session-lease.ts'
export type { SessionLease, SignedSessionLease, StreamPlace } from './session-lease.ts'
export { encodeSignalFrame, SignalFrameError, SignalFrameReader } from './signal-frame-reader.ts'
export {
  FleetSignal, isSignalKind, MAX_SIGNAL_FRAME_BYTES, MAX_SIGNAL_LIFE_MS, MAX_SIGNAL_PAYLOAD_BYTES, SIGNAL_KINDS, SIGNAL_REFUSALS, SignalFrame,
  signalOutcomeOf
} from './signal-message.ts'
export type { SignalKind, SignalOutcome, SignalRefusal } from './signal-message.ts'
export {
  CANDIDACY_KIND, MAX_CANDIDACY_ADDRESSES, MAX_CANDIDACY_BYTES, MAX_CANDIDACY_LIFE_MS, openSuperNodeCandidacy, signSuperNodeCandidacy
} from './super-node-candidacy.ts'
export type { SignedSuperNodeCandidacy, SuperNodeCandidacy } from './super-node-candidacy.ts'
export {
  LEASE_KIND, MAX_LEASE_BYTES, MAX_LEASE_LIFE_MS, MAX_LEASE_NETWORKS, openSuperNodeLease, signSuperNodeLease, SUPER_NODE_ROLES
} from './super-node-lease.ts'
export type { LeaseQuota, SignedSuperNodeLease, SuperNodeLease, SuperNodeRole, VerifiedNetwork } from './super-node-lease.ts'
export {
  MAX_REPORT_AGE_MS, MAX_REPORT_BYTES, MAX_REPORT_LIFE_MS, openSuperNodeReport, REPORT_KIND, signSuperNodeReport
} from './super-node-report.ts'
export type { ReportScore, SignedSuperNodeReport, SuperNodeReport } from './super-node-report.ts'
export { toldAddresses } from './told-addresses.ts'
