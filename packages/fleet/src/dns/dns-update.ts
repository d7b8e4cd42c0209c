/** Messages of DNS UPDATE (RFC 2136) and what of an answer matters to who sends them. Names are written without compression (RFC 1035, 4.1.4). */

export const RECORD_TYPES = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, TSIG: 250 } as const
const CLASS_IN = 1
export const CLASS_ANY = 255
const OPCODE_UPDATE = 5
const MAX_NAME_BYTES = 255
const MAX_LABEL_BYTES = 63
const HEADER_BYTES = 12

/** What a name is to have from now on, in place of all that it had; nothing to have it gone. */
export type NameTarget =
  | { type: 'A' | 'AAAA', address: Uint8Array }
  | { type: 'CNAME', host: string }

export interface UpdateInit {
  /** 0 to 65,535 */
  id: number
  zone: string
  name: string
  target?: NameTarget
  ttlSeconds: number
}

/** The server applies all of it or nothing (RFC 2136, 3.7): the name is never without a target between two. */
export function encodeUpdate ({ id, zone, name, target, ttlSeconds }: UpdateInit): Uint8Array<ArrayBuffer> {
  const owner = encodeName(name)
  // "delete an RRset": class ANY, no lifetime, no data (2.5.2)
  const changes = [RECORD_TYPES.A, RECORD_TYPES.AAAA, RECORD_TYPES.CNAME].map(type => record(owner, type, CLASS_ANY, 0, new Uint8Array(0)))
  if (target !== undefined) {
    const data = target.type === 'CNAME' ? encodeName(target.host) : target.address
    changes.push(record(owner, RECORD_TYPES[target.type], CLASS_IN, ttlSeconds, data))
  }
  return join([
    words(id, OPCODE_UPDATE << 11, 1, 0, changes.length, 0),
    encodeName(zone), words(RECORD_TYPES.SOA, CLASS_IN),
    ...changes
  ])
}

/** @throws {RangeError} when it is no name of DNS */
export function encodeName (name: string): Uint8Array<ArrayBuffer> {
  const labels = name.replace(/\.$/, '').toLowerCase().split('.').map(label => new TextEncoder().encode(label))
  if (labels.some(({ length }) => length === 0 || length > MAX_LABEL_BYTES)) {
    throw new RangeError(`${name} is no name of DNS: each part has 1 to ${MAX_LABEL_BYTES} bytes`)
  }
  const bytes = join([...labels.flatMap(label => [Uint8Array.of(label.length), label]), Uint8Array.of(0)])
  if (bytes.length > MAX_NAME_BYTES) {
    throw new RangeError(`${name} is no name of DNS: it is longer than ${MAX_NAME_BYTES} bytes`)
  }
  return bytes
}

export interface UpdateAnswer {
  id: number
  /** 0: done; see RFC 2136, 2.2 */
  rcode: number
  /** Where the signature begins: the last record, if it is one; what is before it was signed */
  tsig?: { offset: number, data: Uint8Array }
}

/** The answer is not a message of DNS. */
export class DnsFormatError extends Error {
  static override name = 'DnsFormatError'
  override readonly name = 'DnsFormatError'
}

/** @throws {DnsFormatError} */
export function decodeAnswer (message: Uint8Array): UpdateAnswer {
  if (message.length < HEADER_BYTES) {
    throw new DnsFormatError('The answer is shorter than a header')
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const flags = view.getUint16(2)
  if ((flags & 0x8000) === 0) {
    throw new DnsFormatError('The answer is a question')
  }
  const [questions, ...counts] = [4, 6, 8, 10].map(at => view.getUint16(at)) as [number, number, number, number]
  let at = HEADER_BYTES
  for (let left = questions; left > 0; left--) {
    at = skipName(message, at) + 4
  }
  let tsig: UpdateAnswer['tsig']
  for (let left = counts.reduce((sum, count) => sum + count, 0); left > 0; left--) {
    const offset = at
    const fields = skipName(message, at)
    if (fields + 10 > message.length) {
      throw new DnsFormatError('The answer breaks off in a record')
    }
    at = fields + 10 + view.getUint16(fields + 8)
    if (at > message.length) {
      throw new DnsFormatError('The answer breaks off in a record')
    }
    tsig = left === 1 && view.getUint16(fields) === RECORD_TYPES.TSIG ? { offset, data: message.subarray(fields + 10, at) } : undefined
  }
  return { id: view.getUint16(0), rcode: flags & 0xf, tsig }
}

/** Where the name at `at` ends; a pointer ends it (RFC 1035, 4.1.4), and is not followed. */
export function skipName (message: Uint8Array, at: number): number {
  while (at < message.length) {
    const length = message[at] as number
    if (length === 0) {
      return at + 1
    }
    if ((length & 0xc0) === 0xc0) {
      return at + 2
    }
    at += 1 + length
  }
  throw new DnsFormatError('The answer breaks off in a name')
}

export function record (name: Uint8Array, type: number, recordClass: number, ttlSeconds: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return join([name, words(type, recordClass, ttlSeconds >>> 16, ttlSeconds & 0xffff, data.length), data])
}

/** 16 bits each, the greater half first. */
export function words (...values: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(values.flatMap(value => [value >>> 8 & 0xff, value & 0xff]))
}

export function join (parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
