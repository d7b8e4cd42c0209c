/** Messages of NAT-PMP as bytes (RFC 6886, §3). */
import { PortMappingError } from './router-mapping.ts'
import type { MappingProblem } from './router-mapping.ts'

/** Where routers listen, for PCP too. */
export const ROUTER_PORT = 5_351
export const NAT_PMP_VERSION = 0
const EXTERNAL_ADDRESS = 0
const MAP_TCP = 2
const ANSWER = 128

/** §3.5 */
const PROBLEMS: Record<number, MappingProblem> = { 3: 'no_external_address', 4: 'full' }
const RESULTS = ['success', 'unsupported version', 'not authorized', 'network failure', 'out of resources', 'unsupported opcode']

export interface NatPmpAddress {
  epochS: number
  externalAddress: string
}

export interface NatPmpMapped {
  epochS: number
  internalPort: number
  externalPort: number
  lifetimeS: number
}

export function encodeAddressQuestion (): Uint8Array {
  return Uint8Array.of(NAT_PMP_VERSION, EXTERNAL_ADDRESS)
}

/** Of TCP. A lifetime of 0 takes the mapping away, with 0 for the external port (§3.4). */
export function encodeMapQuestion ({ internalPort, externalPort, lifetimeS }: Omit<NatPmpMapped, 'epochS'>): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(12))
  bytes.setUint8(0, NAT_PMP_VERSION)
  bytes.setUint8(1, MAP_TCP)
  bytes.setUint16(4, internalPort)
  bytes.setUint16(6, externalPort)
  bytes.setUint32(8, lifetimeS)
  return new Uint8Array(bytes.buffer)
}

/**
 * `undefined` for what is no answer to that question.
 *
 * @throws {PortMappingError} when the router refuses
 */
export function decodeAddressAnswer (bytes: Uint8Array): NatPmpAddress | undefined {
  const view = answerTo(bytes, EXTERNAL_ADDRESS, 12)
  return view && { epochS: view.getUint32(4), externalAddress: bytes.subarray(8, 12).join('.') }
}

/**
 * `undefined` for what is no answer to that question, such as one about another port.
 *
 * @throws {PortMappingError} when the router refuses
 */
export function decodeMapAnswer (bytes: Uint8Array, internalPort: number): NatPmpMapped | undefined {
  const view = answerTo(bytes, MAP_TCP, 16)
  return view === undefined || view.getUint16(8) !== internalPort
    ? undefined
    : { epochS: view.getUint32(4), internalPort, externalPort: view.getUint16(10), lifetimeS: view.getUint32(12) }
}

/** Whether it is what a router that speaks NAT-PMP alone says to a message of PCP (RFC 6887, appendix A). */
export function isVersionRefusal (bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === NAT_PMP_VERSION && (bytes[1] ?? 0) >= ANSWER && bytes[2] === 0 && bytes[3] === 1
}

function answerTo (bytes: Uint8Array, opcode: number, length: number): DataView | undefined {
  if (bytes.length < 8 || bytes[0] !== NAT_PMP_VERSION || bytes[1] !== ANSWER + opcode) {
    return undefined
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const result = view.getUint16(2)
  if (result !== 0) {
    throw new PortMappingError(PROBLEMS[result] ?? 'refused', `The router refuses by NAT-PMP: ${RESULTS[result] ?? `result ${result}`}`)
  }
  return bytes.length < length ? undefined : view
}
