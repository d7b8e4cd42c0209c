/** Where a page ended, as bytes for the client: the list, how far in its ring, and who was taken of those not all taken yet. */
import { StaleCursorError } from './registry.ts'

/** Most peers that are compared with each other before any is handed out, and so most that a cursor has to remember. */
export const MAX_BLOCK = 120
export const MAX_CURSOR_BYTES = 6 * MAX_BLOCK + 96

/** A place in a ring of hashes: the distance from where the ring starts, then the lower half of the hash. */
export interface RingPlace {
  distance: number
  lo: number
}

export interface Cursor {
  /** Ties the cursor to a query at this registry */
  check: number
  /** Where in the ring of hashes this walk starts */
  start: number
  /** `undefined`: those whose region has no code */
  region: string | undefined
  stage: number
  /** All up to here were handed out or do not fit; `undefined` at the beginning of a list */
  after?: RingPlace
  /** Handed out beyond that */
  taken: RingPlace[]
}

const VERSION = 1

export function encodeCursor (cursor: Cursor): Uint8Array<ArrayBuffer> {
  const region = cursor.region === undefined ? undefined : new TextEncoder().encode(cursor.region)
  const bytes = new Uint8Array(20 + (region?.length ?? 0) + 6 * cursor.taken.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, cursor.stage | (cursor.after === undefined ? 0 : 0x80) | (region === undefined ? 0 : 0x40))
  view.setUint32(2, cursor.check)
  view.setUint32(6, cursor.start)
  view.setUint32(10, cursor.after?.distance ?? 0)
  view.setUint32(14, cursor.after?.lo ?? 0)
  view.setUint16(18, region?.length ?? 0)
  bytes.set(region ?? [], 20)
  let at = 20 + (region?.length ?? 0)
  for (const { distance, lo } of cursor.taken) {
    view.setUint32(at, distance)
    view.setUint16(at + 4, lo & 0xffff)
    at += 6
  }
  return bytes
}

/** @throws {StaleCursorError} */
export function decodeCursor (bytes: Uint8Array, check: number): Cursor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const regionBytes = bytes.length < 20 ? 0 : view.getUint16(18)
  const takenBytes = bytes.length - 20 - regionBytes
  if (takenBytes < 0 || takenBytes > 6 * MAX_BLOCK || takenBytes % 6 !== 0 || bytes[0] !== VERSION || view.getUint32(2) !== check) {
    throw new StaleCursorError()
  }
  const flags = view.getUint8(1)
  const taken: RingPlace[] = []
  for (let at = 20 + regionBytes; at < bytes.length; at += 6) {
    taken.push({ distance: view.getUint32(at), lo: view.getUint16(at + 4) })
  }
  return {
    check,
    start: view.getUint32(6),
    region: (flags & 0x40) === 0 ? undefined : new TextDecoder().decode(bytes.subarray(20, 20 + regionBytes)),
    stage: flags & 0x3f,
    after: (flags & 0x80) === 0 ? undefined : { distance: view.getUint32(10), lo: view.getUint32(14) },
    taken
  }
}
