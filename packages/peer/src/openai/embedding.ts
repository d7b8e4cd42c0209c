/** The response of an embedding, which travels as the pieces of its JSON. */
import { InferenceError } from '@skein/inference'
import type { JsonObject, JsonValue } from '@skein/inference'
import { isObject } from './request.ts'

/**
 * The response to send on. OpenAI's clients ask for base64 unless told and cannot read numbers then; servers that do not
 * know base64 send numbers all the same, so these are packed here.
 *
 * @throws {InferenceError} when the pieces are not the JSON of an object
 */
export function embeddingResponse (text: string, body: JsonObject): string {
  let response: unknown
  try {
    response = JSON.parse(text)
  } catch (cause) {
    throw new InferenceError('backend_failed', 'The answer is not the JSON of an embedding', { cause })
  }
  if (!isObject(response) || !Array.isArray(response.data)) {
    throw new InferenceError('backend_failed', 'The answer is not the JSON of an embedding')
  }

  if (body.encoding_format !== 'base64' || !response.data.some((item) => isObject(item) && Array.isArray(item.embedding))) {
    return text
  }
  return JSON.stringify({
    ...response,
    data: response.data.map((item) => isObject(item) && Array.isArray(item.embedding) ? { ...item, embedding: base64(item.embedding) } : item)
  })
}

/** 32-bit floats, little endian, in base64. */
function base64 (numbers: JsonValue[]): string {
  const bytes = new Uint8Array(4 * numbers.length)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of numbers.entries()) {
    view.setFloat32(4 * i, Number(value), true)
  }
  let binary = ''
  for (const byte of bytes) {
    binary += String.fromCharCode(byte)
  }
  return btoa(binary)
}
