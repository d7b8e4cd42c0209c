/** The body of a request as text, whatever form it comes in, up to a limit. */
import { RequestError } from './failure.ts'

/** @throws {RequestError} 413 above `maxBytes`, 400 when it is not UTF-8 */
export async function bodyText (body: BodyInit | null | undefined, maxBytes: number): Promise<string> {
  if (body == null) {
    return ''
  }
  if (typeof body === 'string') {
    // a character takes at least one byte, and counting the rest is cheaper than encoding
    if (body.length > maxBytes || (body.length * 3 > maxBytes && new Blob([body]).size > maxBytes)) {
      throw tooLarge(maxBytes)
    }
    return body
  }
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) {
    if (body.byteLength > maxBytes) {
      throw tooLarge(maxBytes)
    }
    return decode(new TextDecoder('utf-8', { fatal: true }), body)
  }
  return await streamText(new Response(body), maxBytes)
}

async function streamText (response: Response, maxBytes: number): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let size = 0

  while (reader != null) {
    const { done, value } = await reader.read()
    if (done) {
      break
    }
    size += value.byteLength
    if (size > maxBytes) {
      void reader.cancel().catch(() => {})
      throw tooLarge(maxBytes)
    }
    text += decode(decoder, value, true)
  }
  return text + decode(decoder, new Uint8Array(0))
}

function decode (decoder: TextDecoder, bytes: ArrayBuffer | ArrayBufferView, stream = false): string {
  try {
    return decoder.decode(bytes as Uint8Array<ArrayBuffer>, { stream })
  } catch (cause) {
    throw new RequestError(400, 'invalid_json', 'The request body is not UTF-8', { cause })
  }
}

function tooLarge (maxBytes: number): RequestError {
  return new RequestError(413, 'request_too_large', `The request body is larger than ${maxBytes} bytes`)
}
