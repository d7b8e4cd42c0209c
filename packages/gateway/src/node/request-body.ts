/** The body of an HTTP request, read whole up to a limit. */
import type { IncomingMessage } from 'node:http'
import { RequestError } from '@skein/peer/openai'

/** A client reads the refusal only after it has sent its body, so a little more than allowed is read and thrown away. */
const DISCARD_FACTOR = 4

/** @throws {RequestError} 413 above `maxBytes` */
export async function requestBody (request: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (): RequestError =>
    new RequestError(413, 'request_too_large', `The request body is larger than ${maxBytes} bytes`, { headers: { connection: 'close' } })

  if (Number(request.headers['content-length'] ?? 0) > DISCARD_FACTOR * maxBytes) {
    throw tooLarge()
  }
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0

    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBytes) {
        chunks.push(chunk)
      } else {
        chunks.length = 0
        if (size > DISCARD_FACTOR * maxBytes) {
          request.pause()
          reject(tooLarge())
        }
      }
    })
    request.on('end', () => {
      if (size > maxBytes) {
        reject(tooLarge())
      } else {
        resolve(Buffer.concat(chunks))
      }
    })
    request.on('error', reject)
    request.on('close', () => { reject(new RequestError(400, 'incomplete_body', 'The request ended before its body did')) })
  })
}
