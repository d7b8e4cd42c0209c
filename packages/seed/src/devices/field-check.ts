/** Checks of the fields of a message: each takes any value and gives it back typed, or throws what is wrong with it and where. */
import { isObject } from './device-json.ts'
import type { JsonObject } from './device-json.ts'

/** A field of a message is missing, or is not what it must be. */
export class FieldError extends Error {
  static override name = 'FieldError'
  override readonly name = 'FieldError'
  /** `capabilities.hardware.tier` */
  readonly field: string

  constructor (field: string, expected: string) {
    super(`${field === '' ? 'The payload' : field} must be ${expected}`)
    this.field = field
  }
}

/** @param path - of the value, for the error */
export type Check<T> = (value: unknown, path: string) => T
export type Checked<C> = C extends Check<infer T> ? T : never
type Fields = Record<string, Check<unknown>>
type Required<F extends Fields> = { [K in keyof F as undefined extends Checked<F[K]> ? never : K]: Checked<F[K]> }
type Optional<F extends Fields> = { [K in keyof F as undefined extends Checked<F[K]> ? K : never]?: Checked<F[K]> }
/** The object that fields make. */
export type Shape<F extends Fields> = Required<F> & Optional<F>

/** Unknown fields pass: a newer device may say more. */
export function record<F extends Fields> (fields: F): Check<Shape<F>> {
  const entries = Object.entries(fields)
  return (value, path) => {
    if (!isObject(value)) {
      throw new FieldError(path, 'an object')
    }
    for (const [name, check] of entries) {
      check(Object.hasOwn(value, name) ? value[name] : undefined, path === '' ? name : `${path}.${name}`)
    }
    return value as unknown as Shape<F>
  }
}

/** Left out, or null as some encoders write it. */
export function optional<T> (check: Check<T>): Check<T | null | undefined> {
  return (value, path) => value == null ? value as null | undefined : check(value, path)
}

export function list<T> (check: Check<T>, maxItems: number): Check<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > maxItems) {
      throw new FieldError(path, `a list of at most ${maxItems}`)
    }
    for (const [index, item] of value.entries()) {
      check(item, `${path}[${index}]`)
    }
    return value
  }
}

/** Control characters would forge lines in logs and terminals. */
export function text (minChars: number, maxChars: number): Check<string> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length < minChars || value.length > maxChars || /\p{Cc}/u.test(value)) {
      throw new FieldError(path, `a string of ${minChars} to ${maxChars} characters, none of them a control character`)
    }
    return value
  }
}

/** Text whose only bound is that of the message it came in. */
export const anyText: Check<string> = (value, path) => {
  if (typeof value !== 'string') {
    throw new FieldError(path, 'a string')
  }
  return value
}

export function hex (bytes: number): Check<string> {
  const pattern = new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`)
  return (value, path) => {
    if (typeof value !== 'string' || value.length !== 2 * bytes || !pattern.test(value)) {
      throw new FieldError(path, `${bytes} bytes in hexadecimal`)
    }
    return value
  }
}

/** Padded, as devices write it, and nothing between the characters. */
export const base64: Check<string> = (value, path) => {
  if (typeof value !== 'string' || value.length % 4 !== 0 || decodedLength(value) === undefined) {
    throw new FieldError(path, 'base64')
  }
  return value
}

/** By the platform's own decoder, which is ten times as fast as a pattern; the length tells whether it has skipped anything. */
function decodedLength (value: string): number | undefined {
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0
  try {
    const { length } = atob(value)
    return length === value.length / 4 * 3 - padding ? length : undefined
  } catch {
    return undefined
  }
}

export function number (min: number, max: number): Check<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw new FieldError(path, `a number from ${min} to ${max}`)
    }
    return value
  }
}

export function whole (min: number, max: number): Check<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new FieldError(path, `a whole number from ${min} to ${max}`)
    }
    return value
  }
}

export function oneOf<T extends string> (...values: T[]): Check<T> {
  return (value, path) => {
    if (!values.includes(value as T)) {
      throw new FieldError(path, `one of ${values.join(', ')}`)
    }
    return value as T
  }
}

export const flag: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') {
    throw new FieldError(path, 'true or false')
  }
  return value
}

export const object: Check<JsonObject> = (value, path) => {
  if (!isObject(value)) {
    throw new FieldError(path, 'an object')
  }
  return value
}
