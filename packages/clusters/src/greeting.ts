/** What a peer tells another of itself: where it stands, and which cluster it is in. How it is read, written and bounded. */
import { peerIdBytesOf, peerNameOf } from '@skein/records'
import { DIMENSIONS, isCoordinate } from './network-coordinate.ts'
import { Greeting as GreetingMessage } from './pb/greeting.ts'
import { isScope, MAX_PREFIX_BITS, scopeName } from './scope.ts'
import type { Coordinate } from './network-coordinate.ts'

/** With the longest names that there are, one has 166 bytes; the rest is for fields of later versions. */
export const MAX_GREETING_BYTES = 512

export interface Greeting {
  /** Where it stands now */
  coordinate: Coordinate
  /** Empty when it does not say */
  region: string
  zone: string
  /** Bits of the prefix of its cluster */
  depth: number
  /** Who coordinates its cluster, as far as it knows */
  coordinator?: string
}

/** Not a greeting, or one beyond its bounds: who sent it does not keep the protocol. */
export class GreetingError extends Error {
  static override readonly name = 'GreetingError'

  constructor (message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'GreetingError'
  }
}

/** On the wire all are whole numbers, so that none is endless or not a number: hundredths of a millisecond, thousandths of an error. */
const PER_MS = 100
const PER_ERROR = 1000
const MAX_NAME_LENGTH = 128

/** Whether all of it is within the bounds of what it says. */
export function isGreeting ({ coordinate, region, zone, depth, coordinator }: Greeting): boolean {
  return isCoordinate(coordinate) && isScope(scopeName(region === '' ? 'none' : region, zone)) &&
    Number.isInteger(depth) && depth >= 0 && depth <= MAX_PREFIX_BITS &&
    (coordinator === undefined || (coordinator.length > 0 && coordinator.length <= MAX_NAME_LENGTH))
}

/** `nonce` is any number of 32 bits in a greeting, and in its answer the same. */
export function encodeGreeting ({ coordinate, region, zone, depth, coordinator }: Greeting, nonce: number): Uint8Array<ArrayBuffer> {
  return GreetingMessage.encode({
    position: coordinate.position.map(value => Math.round(value * PER_MS)),
    height: Math.round(coordinate.heightMs * PER_MS),
    error: Math.round(coordinate.error * PER_ERROR),
    region,
    zone,
    depth,
    coordinator: coordinator === undefined ? undefined : peerIdBytesOf(coordinator),
    nonce
  })
}

/** @throws {GreetingError} */
export function decodeGreeting (bytes: Uint8Array): { greeting: Greeting, nonce: number } {
  if (bytes.length > MAX_GREETING_BYTES) {
    throw new GreetingError(`A greeting of ${bytes.length} bytes; at most ${MAX_GREETING_BYTES} are allowed`)
  }
  let greeting: Greeting
  let nonce: number
  try {
    const { position, height, error, region, zone, depth, coordinator, ...rest } = GreetingMessage.decode(bytes, { limits: { position: DIMENSIONS } })
    nonce = rest.nonce
    greeting = {
      coordinate: { position: position.map(value => value / PER_MS), heightMs: height / PER_MS, error: error / PER_ERROR },
      region,
      zone,
      depth,
      ...(coordinator.length === 0 ? {} : { coordinator: peerNameOf(coordinator) })
    }
  } catch (error) {
    throw new GreetingError('Not a greeting', { cause: error })
  }
  if (!isGreeting(greeting)) {
    throw new GreetingError('A greeting with a coordinate, a part or a depth that nobody has')
  }
  return { greeting, nonce }
}
