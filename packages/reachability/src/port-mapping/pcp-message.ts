/** Messages of PCP as bytes, those of them that a peer needs: MAP of TCP over IPv4, and ANNOUNCE (RFC 6887, §7, §11, §14.1). */
import { equalBytes } from '@skein/core'
import { isWorldAddress } from './external-address.ts'
import { PortMappingError } from './router-mapping.ts'
import type { MappingProblem } from './router-mapping.ts'

const VERSION = 2
const ANNOUNCE = 0
const MAP = 1
const ANSWER = 128
const TCP = 6
const HEADER_BYTES = 24
const MAP_BYTES = 36
export const PCP_NONCE_BYTES = 12

/** §7.4 */
const RESULTS = [
  'success', 'unsupported version', 'not authorized', 'malformed request', 'unsupported opcode', 'unsupported option', 'malformed option',
  'network failure', 'no resources', 'unsupported protocol', 'quota exceeded', 'cannot provide external address', 'address mismatch',
  'excessive remote peers'
]
const PROBLEMS: Record<number, MappingProblem> = { 7: 'no_external_address', 8: 'full', 10: 'full', 11: 'full' }

export interface PcpMapQuestion {
  /** This device's IPv4 address, which the router compares with where the datagram comes from */
  client: string
  /** Of the mapping as long as it lives: it proves whose it is */
  nonce: Uint8Array
  internalPort: number
  /** Wished for; 0 for any */
  externalPort: number
  /** 0 takes it away */
  lifetimeS: number
}

export interface PcpMapped {
  epochS: number
  lifetimeS: number
  externalAddress: string
  externalPort: number
}

export function encodePcpMap ({ client, nonce, internalPort, externalPort, lifetimeS }: PcpMapQuestion): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + MAP_BYTES)
  const view = new DataView(bytes.buffer)
  writeHeader(bytes, MAP, lifetimeS, client)
  bytes.set(nonce, 24)
  bytes[36] = TCP
  view.setUint16(40, internalPort)
  view.setUint16(42, externalPort)
  // no wish for an address, said in the family that is wanted
  writeAddress(bytes, 44, '0.0.0.0')
  return bytes
}

/** Asks for nothing but the epoch. */
export function encodePcpAnnounce (client: string): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  writeHeader(bytes, ANNOUNCE, 0, client)
  return bytes
}

/**
 * `undefined` for what is no answer to that question.
 *
 * @throws {PortMappingError} when the router refuses
 */
export function decodePcpMap (bytes: Uint8Array, { nonce, internalPort }: Pick<PcpMapQuestion, 'nonce' | 'internalPort'>): PcpMapped | undefined {
  const view = answerTo(bytes, MAP)
  if (view === undefined || bytes.length < HEADER_BYTES + MAP_BYTES || !equalBytes(bytes.subarray(24, 36), nonce) || bytes[36] !== TCP ||
    view.getUint16(40) !== internalPort) {
    return undefined
  }
  const externalAddress = readAddress(bytes, 44)
  refuse(view, externalAddress)
  return { epochS: view.getUint32(8), lifetimeS: view.getUint32(4), externalAddress, externalPort: view.getUint16(42) }
}

/** Its epoch; `undefined` for what is no answer to that question. @throws {PortMappingError} when the router refuses */
export function decodePcpAnnounce (bytes: Uint8Array): { epochS: number } | undefined {
  const view = answerTo(bytes, ANNOUNCE)
  if (view === undefined) {
    return undefined
  }
  refuse(view, '')
  return { epochS: view.getUint32(8) }
}

function answerTo (bytes: Uint8Array, opcode: number): DataView | undefined {
  return bytes.length < HEADER_BYTES || bytes[0] !== VERSION || bytes[1] !== ANSWER + opcode
    ? undefined
    : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function refuse (view: DataView, externalAddress: string): void {
  const result = view.getUint8(3)
  if (result !== 0) {
    // some tell the address that they cannot map at
    const isTold = externalAddress !== '' && externalAddress !== '0.0.0.0'
    const problem = isTold && !isWorldAddress(externalAddress) ? 'double_nat' : PROBLEMS[result] ?? 'refused'
    const at = isTold ? `, at its address ${externalAddress}` : ''
    throw new PortMappingError(problem, `The router refuses by PCP: ${RESULTS[result] ?? `result ${result}`}${at}`)
  }
}

function writeHeader (bytes: Uint8Array, opcode: number, lifetimeS: number, client: string): void {
  bytes[0] = VERSION
  bytes[1] = opcode
  new DataView(bytes.buffer).setUint32(4, lifetimeS)
  writeAddress(bytes, 8, client)
}

/** IPv4 in the 16 bytes of an IPv6 address (RFC 4291, §2.5.5.2). */
function writeAddress (bytes: Uint8Array, offset: number, address: string): void {
  bytes.set([0xff, 0xff, ...address.split('.').map(Number)], offset + 10)
}

function readAddress (bytes: Uint8Array, offset: number): string {
  return bytes.subarray(offset + 12, offset + 16).join('.')
}
