/** The names and codes of Circuit Relay v2 (https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md). */
import type { RelayRefusalReason } from './relay-ledger.ts'

/** A peer asks the relay for a reservation or a circuit. */
export const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'
/** The relay brings a circuit to its destination. */
export const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop'

export const HOP_TYPE = { reserve: 0, connect: 1, status: 2 } as const
export const STOP_TYPE = { connect: 0, status: 1 } as const

export const CIRCUIT_STATUS = {
  ok: 100,
  reservationRefused: 200,
  resourceLimitExceeded: 201,
  permissionDenied: 202,
  connectionFailed: 203,
  noReservation: 204,
  malformedMessage: 400,
  unexpectedMessage: 401
} as const

/** Largest message of either protocol, bytes (the specification's "should"). */
export const MAX_CIRCUIT_MESSAGE_BYTES = 4_096

/** What a refused reservation is told; the protocol has no finer words. */
export function reserveStatus (reason: RelayRefusalReason): number {
  switch (reason) {
    case 'not_admitted': return CIRCUIT_STATUS.permissionDenied
    case 'network_full': return CIRCUIT_STATUS.resourceLimitExceeded
    default: return CIRCUIT_STATUS.reservationRefused
  }
}

/** What a refused circuit is told. */
export function connectStatus (reason: RelayRefusalReason): number {
  return reason === 'no_reservation' ? CIRCUIT_STATUS.noReservation : CIRCUIT_STATUS.resourceLimitExceeded
}
