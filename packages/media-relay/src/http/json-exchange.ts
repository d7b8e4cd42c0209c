/** A request for JSON and its answer, as the APIs of a relay see them. */

export interface JsonRequest {
  method: string
  /** Without the query, percent-decoded in no way */
  path: string
  query: URLSearchParams
  authorization?: string
  /** @throws {JsonRefusal} 413 when it is too large, 400 when it is cut off */
  body: () => Promise<Uint8Array>
}

export interface JsonAnswer {
  status: number
  body: unknown
  /** `body` is a text of this media type @default it is made JSON */
  textType?: string
  headers?: Record<string, string>
}

/** Answers a request, or says what is wrong with it. @throws {JsonRefusal} */
export type JsonHandler = (request: JsonRequest) => JsonAnswer | Promise<JsonAnswer>

/** A request that is not answered as it was meant; becomes `{"message": …, "status": "error"}`. */
export class JsonRefusal extends Error {
  static override name = 'JsonRefusal'
  override readonly name = 'JsonRefusal'
  readonly status: number
  readonly headers: Record<string, string>

  constructor (status: number, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

export function refusalAnswer ({ status, message, headers }: JsonRefusal): JsonAnswer {
  return { status, body: { message, status: 'error' }, headers }
}

/** @throws {JsonRefusal} 405 */
export function onlyMethods (request: JsonRequest, methods: string[]): void {
  if (!methods.includes(request.method)) {
    throw new JsonRefusal(405, `${request.path} takes ${methods.join(', ')}, not ${request.method}`, { allow: methods.join(', ') })
  }
}

/** The object in the body. @throws {JsonRefusal} 400 */
export async function jsonFields (request: JsonRequest): Promise<Record<string, unknown>> {
  const bytes = await request.body()
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new JsonRefusal(400, `The body is no JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new JsonRefusal(400, 'The body has to be a JSON object')
  }
  return value as Record<string, unknown>
}

/** The rest of a path after a prefix, decoded. @throws {JsonRefusal} 400 */
export function pathRest (request: JsonRequest, prefix: string): string {
  try {
    return decodeURIComponent(request.path.slice(prefix.length))
  } catch {
    throw new JsonRefusal(400, 'The path is not percent-encoded as it should be')
  }
}
