/**
 * Whether a request and its answer fit through a circuit of a relay, which carries so many bytes and lasts so long (Circuit Relay v2, "Limited
 * connections"): a pure estimate, and where no circuit will do, the error.
 */
import { InferenceError } from '@skein/inference'
import type { ConnectionLimits } from '@libp2p/interface'
import type { InferenceRequest, JsonValue } from '@skein/inference'

export interface CircuitNeed {
  bytes: number
  /** 0 where the speed of the provider is not known */
  seconds: number
  /** The request says how long its answer may be at most; else it is an answer of usual length */
  isBounded: boolean
}

/**
 * A token in a circuit: 5 bytes of text in a frame of 12, in a frame of yamux of 12 more, encrypted alone with 18 more, in all 47; a piece of an
 * answer often has more than one token.
 */
const BYTES_PER_TOKEN = 64
/** The handshake within the circuit, the negotiation of a stream, and what else two peers say to each other first. */
const OVERHEAD_BYTES = 8 * 1024
/** An answer whose length nobody bounds; most of a chat are shorter. */
const USUAL_TOKENS = 512
/** 80 KB/s where the round trip is 100 ms: more than any model says. */
const LEAST_WINDOW_BYTES = 8 * 1024

/** What the longest answer that was asked for takes. */
export function circuitNeed ({ body }: InferenceRequest, tokensPerSecond: number): CircuitNeed {
  const bound = count(body.max_completion_tokens) ?? count(body.max_tokens)
  const tokens = bound ?? USUAL_TOKENS
  const answers = count(body.n) ?? 1
  return {
    bytes: OVERHEAD_BYTES + new TextEncoder().encode(JSON.stringify(body)).byteLength + tokens * answers * BYTES_PER_TOKEN,
    seconds: tokensPerSecond > 0 ? tokens / tokensPerSecond : 0,
    isBounded: bound !== undefined
  }
}

/** Without limits everything does. */
export function fitsCircuit (limits: ConnectionLimits | undefined, { bytes, seconds }: CircuitNeed): boolean {
  return Number(limits?.bytes ?? Infinity) >= bytes && (limits?.seconds ?? Infinity) >= seconds
}

/**
 * How much may be on its way at once: what is in the relay or in a buffer is lost with the circuit at the limit, and is sent once more over the next.
 * `undefined`: as much as ever.
 */
export function circuitWindowBytes (limits: ConnectionLimits | undefined): number | undefined {
  return limits?.bytes === undefined ? undefined : Math.max(LEAST_WINDOW_BYTES, Math.floor(Number(limits.bytes) / 16))
}

/** Bytes that it still carries, for a choice among those that do not do. */
export function roomOf (limits: ConnectionLimits | undefined): number {
  return Number(limits?.bytes ?? Infinity)
}

/** The relays on the way carry less than the answer may come to, and it could not go on elsewhere. */
export function relayLimitError (limits: ConnectionLimits | undefined, need: CircuitNeed, peer: string): InferenceError {
  const { bytes = 'any number of', seconds = 'any number of' } = limits ?? {}
  const answer = `The answer may take ${need.bytes} bytes and ${Math.ceil(need.seconds)} s`
  const relays = `and no relay of its provider carries more than ${bytes} bytes for ${seconds} s`
  return new InferenceError('relay_limit', `${answer}, ${relays}: ask for fewer tokens, or use a relay with higher limits`, { peer })
}

function count (value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}
