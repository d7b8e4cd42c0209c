/** Whether a connection runs through a relay (Circuit Relay v2). */

/** What is looked at of libp2p's `Connection`. */
export interface ConnectionAddress {
  remoteAddr: { toString: () => string }
  limits?: unknown
}

/**
 * A relay need not name limits, so the address counts too. That of a WebRTC connection names the relay through which it was signalled: its bytes go
 * another way.
 */
export function isRelayed ({ remoteAddr, limits }: ConnectionAddress): boolean {
  const address = remoteAddr.toString()
  return limits !== undefined || (address.includes('/p2p-circuit') && !/\/webrtc(\/|$)/.test(address))
}

/** Where the other side itself is seen; `undefined` where the address names a relay, be it only that of the signals. */
export function seenAddress ({ remoteAddr, limits }: ConnectionAddress): string | undefined {
  const address = remoteAddr.toString()
  return limits !== undefined || address.includes('/p2p-circuit') ? undefined : address
}
