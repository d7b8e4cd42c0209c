/** JSON from a device: bytes to a value, bounded in depth, and the same value for every parser that may read the bytes after this one. */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const COLON = 0x3a

export type Json = string | number | boolean | null | Json[] | JsonObject
export interface JsonObject { [key: string]: Json | undefined }

// a byte order mark is no JSON; the decoder must not swallow it, for the bytes may be forwarded as they are
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Refuses an object that names a member twice, too: parsers differ in which of the two they take, and what was checked here would
 * not be what its receiver reads.
 *
 * @throws {SyntaxError | TypeError | RangeError} when it is not JSON, not UTF-8, ambiguous, or nested too deeply
 */
export function parseJson (bytes: Uint8Array, maxDepth: number): Json {
  const members = countMembers(bytes, maxDepth)
  const value = JSON.parse(decoder.decode(bytes)) as Json
  if (membersOf(value) !== members) {
    throw new SyntaxError('JSON names a member of an object twice')
  }
  return value
}

export function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Counts the colons outside strings, and brackets against the bound, before anything is built. Strings are skipped at the speed of `indexOf`. */
function countMembers (bytes: Uint8Array, maxDepth: number): number {
  let depth = 0
  let members = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) {
      i = endOfString(bytes, i)
    } else if (byte === COLON) {
      members++
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > maxDepth) {
        throw new RangeError(`JSON is nested deeper than ${maxDepth}`)
      }
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      depth--
    }
  }
  return members
}

function endOfString (bytes: Uint8Array, start: number): number {
  for (let end = start; ;) {
    end = bytes.indexOf(QUOTE, end + 1)
    if (end < 0) {
      return bytes.length
    }
    let backslashes = 0
    while (bytes[end - 1 - backslashes] === BACKSLASH) {
      backslashes++
    }
    if (backslashes % 2 === 0) {
      return end
    }
  }
}

function membersOf (value: Json): number {
  if (typeof value !== 'object' || value === null) {
    return 0
  }
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) {
      members += membersOf(item)
    }
    return members
  }
  for (const key of Object.keys(value)) {
    members += 1 + membersOf(value[key] as Json)
  }
  return members
}
