/** How servers of the fleet say no: one shape, a code for programs, a sentence for people, and the field that is wrong where there is one. */
import type { FastifyError, FastifySchemaValidationError } from 'fastify'

export interface FailureBody {
  error: {
    code: string
    message: string
    /** Where the request is wrong: `slot`, `ingest.port`, `header.authorization` */
    field?: string
    requestId: string
  }
}

/** An answer other than the wanted one. */
export class HttpFailure extends Error {
  static override name = 'HttpFailure'
  override readonly name = 'HttpFailure'
  readonly status: number
  readonly code: string
  readonly field?: string
  readonly retryAfterSeconds?: number

  constructor (status: number, code: string, message: string, { field, retryAfterSeconds }: { field?: string, retryAfterSeconds?: number } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.field = field
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const PLACES: Record<string, string> = { params: 'path', querystring: 'query', headers: 'header' }

/** What went wrong, when it is the caller's doing; `undefined` when it is ours. */
export function callersFault (error: FastifyError): HttpFailure | undefined {
  if (error instanceof HttpFailure) {
    return error
  }
  const [problem] = error.validation ?? []
  if (problem !== undefined) {
    const field = fieldOf(problem, error.validationContext)
    return new HttpFailure(400, 'bad_request', `${field} ${problem.message ?? 'is wrong'}`, { field })
  }
  const status = error.statusCode
  if (status === undefined || status < 400 || status >= 500) {
    return undefined
  }
  const code = status === 413 ? 'too_large' : status === 415 ? 'unsupported_media_type' : 'bad_request'
  return new HttpFailure(status, code, error.message, { field: 'body' })
}

function fieldOf ({ instancePath, keyword, params }: FastifySchemaValidationError, context = 'body'): string {
  const inner = keyword === 'required' ? params.missingProperty : keyword === 'additionalProperties' ? params.additionalProperty : undefined
  const path = [
    ...PLACES[context] === undefined ? [] : [PLACES[context]],
    ...instancePath.split('/').slice(1).map(part => part.replaceAll('~1', '/').replaceAll('~0', '~')),
    ...typeof inner === 'string' ? [inner] : []
  ]
  return path.length === 0 ? 'body' : path.join('.').slice(0, 200)
}
