/** A request over HTTP to a device of this network, whose answer is a text of bounded length. */
import { request } from 'node:http'

export interface HttpText {
  status: number
  text: string
}

export interface HttpTextInit {
  /** Sent with POST; left out: GET */
  body?: string
  headers?: Record<string, string>
  maxBytes: number
  signal: AbortSignal
}

/** @throws when there is no answer, it is longer, or the signal fires. Redirections are not followed */
export async function httpText (url: string, { body, headers, maxBytes, signal }: HttpTextInit): Promise<HttpText> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, connection: 'close', ...body === undefined ? {} : { 'content-length': Buffer.byteLength(body) } },
      agent: false,
      maxHeaderSize: 16_384,
      signal
    }, response => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > maxBytes) {
          response.destroy(new Error(`The answer has more than ${maxBytes} bytes`))
        } else {
          parts.push(part)
        }
      })
      response.on('error', reject)
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }) })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
