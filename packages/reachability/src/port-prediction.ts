/** The next ports of a NAT that maps each destination to the next one (P. Srisuresh, B. Ford, D. Kegel, RFC 5128, §3.6): a pure guess. */
import type { NatVerdict } from './nat-verdict.ts'

/** Where the other side is to look: the very next port, and the one after it, as another connection may get in between. */
const GUESSES = 2
const MAX_PORT = 65_535

/**
 * The ports at which a socket will be seen by another than the one that saw it at `port`, the likeliest first. One: that port, where the NAT maps
 * endpoint-independently or it is not known.
 */
export function predictPorts (port: number, nat: NatVerdict | undefined): number[] {
  const { mapping, step } = nat ?? {}
  return mapping === 'sequential' && step !== undefined
    ? Array.from({ length: GUESSES }, (_, i) => port + (i + 1) * step).filter(guess => guess <= MAX_PORT)
    : [port]
}
