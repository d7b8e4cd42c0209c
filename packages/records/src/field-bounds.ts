/** The bounds of record fields, and the checks that writers and readers share. */
import { RecordError } from './record-error.ts'

export const MAX_NAME_BYTES = 128
export const MAX_MODELS = 64
export const MAX_ADDRESSES = 16
export const MAX_TASKS = 8

export function checkName (field: string, value: string, options: { empty?: boolean, maxBytes?: number } = {}): void {
  const maxBytes = options.maxBytes ?? MAX_NAME_BYTES
  const bytes = new TextEncoder().encode(value).length
  if (bytes > maxBytes || (bytes === 0 && options.empty !== true)) {
    throw new RecordError('malformed', `${field} has ${bytes} bytes; expected ${options.empty === true ? 0 : 1} to ${maxBytes}`)
  }
  // control characters would forge lines in logs and terminals
  if (/\p{Cc}/u.test(value)) {
    throw new RecordError('malformed', `${field} holds a control character`)
  }
}

export function checkCount (field: string, items: unknown[], max: number): void {
  if (items.length > max) {
    throw new RecordError('malformed', `${field} has ${items.length} entries; at most ${max} are allowed`)
  }
}

export function checkNumber (field: string, value: number, min: number, max: number, whole = true): void {
  if (!(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
    throw new RecordError('malformed', `${field} is ${value}; expected ${whole ? 'a whole number ' : ''}from ${min} to ${max}`)
  }
}
