/** JSON from a stranger: UTF-8 bytes to a value, with a bound on its nesting that holds before anything is built. */
import type { JsonObject, JsonValue } from './json.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** @throws {SyntaxError | TypeError | RangeError} when it is not JSON, not UTF-8, or nested deeper than `maxDepth` */
export function parseJson (bytes: Uint8Array, maxDepth: number): JsonValue {
  if (exceedsDepth(bytes, maxDepth)) {
    throw new RangeError(`JSON is nested deeper than ${maxDepth}`)
  }
  return JSON.parse(decoder.decode(bytes)) as JsonValue
}

export function parseJsonObject (bytes: Uint8Array, maxDepth: number): JsonObject {
  const value = parseJson(bytes, maxDepth)
  if (!isJsonObject(value)) {
    throw new TypeError('Expected a JSON object')
  }
  return value
}

/** @throws {RangeError} when the value is nested deeper than `maxDepth`: its reader would refuse it */
export function writeJson (value: JsonValue, maxDepth: number): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(JSON.stringify(value))
  if (exceedsDepth(bytes, maxDepth)) {
    throw new RangeError(`JSON is nested deeper than ${maxDepth}`)
  }
  return bytes
}

export function isJsonObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Counts brackets outside strings; strings, which are most of a body, are skipped at the speed of `indexOf`. */
export function exceedsDepth (bytes: Uint8Array, maxDepth: number): boolean {
  let depth = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) {
      i = endOfString(bytes, i)
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > maxDepth) {
        return true
      }
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      depth--
    }
  }
  return false
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
