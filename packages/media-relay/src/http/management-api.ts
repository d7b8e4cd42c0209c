/** The management API of a relay: stream ids and keys, in the shapes that tools for SRT live servers know. */
import { isPermitted, MAX_KEY_NAME_CHARACTERS, PERMISSIONS, readPermissions } from '../key-table.ts'
import { streamEntryProblem } from '../stream-table.ts'
import { jsonFields, JsonRefusal, onlyMethods, pathRest } from './json-exchange.ts'
import type { Permission } from '../key-table.ts'
import type { RelayBook } from '../relay-book.ts'
import type { JsonAnswer, JsonHandler, JsonRequest } from './json-exchange.ts'

export interface ManagementApiInit {
  book: RelayBook
  /** Why the relay does not work; `undefined` when it does */
  problem: () => string | undefined
}

const STREAM_IDS = '/api/stream-ids'
const KEYS = '/api/keys'

export function managementApi ({ book, problem }: ManagementApiInit): JsonHandler {
  return async request => {
    const { path } = request
    if (path === '/health') {
      onlyMethods(request, ['GET', 'HEAD'])
      const message = problem()
      return message === undefined ? ok({ status: 'ok' }) : { status: 503, body: { message, status: 'error' } }
    }
    if (path === STREAM_IDS) {
      return await streamIds(book, request)
    }
    if (path.startsWith(`${STREAM_IDS}/`)) {
      return await oneStreamId(book, request)
    }
    if (path === KEYS) {
      return await keys(book, request)
    }
    if (path.startsWith(`${KEYS}/`)) {
      return await oneKey(book, request)
    }
    throw new JsonRefusal(404, `There is ${STREAM_IDS}, ${KEYS} and /health`)
  }
}

async function streamIds (book: RelayBook, request: JsonRequest): Promise<JsonAnswer> {
  authorize(book, request, request.method === 'POST' ? 'write' : 'read')
  onlyMethods(request, ['GET', 'HEAD', 'POST'])
  if (request.method !== 'POST') {
    const data = book.streams.entries().map(({ description, player, publisher }) => ({ description, player, publisher }))
    return ok({ data, status: 'success' })
  }
  const fields = await jsonFields(request)
  const wrong = streamEntryProblem(fields)
  if (wrong !== undefined) {
    throw new JsonRefusal(400, `${wrong.field} ${wrong.message}`)
  }
  const { publisher, player, description } = fields as { publisher: string, player: string, description?: string }
  const verdict = await book.addStream({ publisher, player, description: description ?? '' })
  if (verdict === 'taken') {
    throw new JsonRefusal(409, 'player is in use by another stream id')
  }
  if (verdict === 'full') {
    throw new JsonRefusal(507, `There are ${book.streams.maxStreams} stream ids already: delete one first`)
  }
  return ok({ message: 'Stream ID added successfully', status: 'success' })
}

async function oneStreamId (book: RelayBook, request: JsonRequest): Promise<JsonAnswer> {
  authorize(book, request, 'write')
  onlyMethods(request, ['DELETE'])
  if (await book.removeStream(pathRest(request, `${STREAM_IDS}/`)) === undefined) {
    throw new JsonRefusal(404, 'Stream ID not found')
  }
  return ok({ message: 'Stream ID deleted successfully', status: 'success' })
}

async function keys (book: RelayBook, request: JsonRequest): Promise<JsonAnswer> {
  authorize(book, request, 'admin')
  onlyMethods(request, ['GET', 'HEAD', 'POST'])
  if (request.method !== 'POST') {
    const data = book.keys.entries().map(({ id, name, permissions, createdAtMs }) => ({
      created_at_ms: createdAtMs, id, name, permissions
    }))
    return ok({ data, status: 'success' })
  }
  const fields = await jsonFields(request)
  const { name } = fields
  if (typeof name !== 'string' || name === '' || name.length > MAX_KEY_NAME_CHARACTERS) {
    throw new JsonRefusal(400, name === undefined ? 'name is missing' : `name has to be a text of 1 to ${MAX_KEY_NAME_CHARACTERS} characters`)
  }
  const permissions = readPermissions(fields.permissions)
  if (permissions === undefined) {
    throw new JsonRefusal(400, fields.permissions === undefined
      ? 'permissions is missing'
      : `permissions has to be one of ${PERMISSIONS.join(', ')}, or a list of them`)
  }
  const made = await book.addKey(name, permissions)
  if (made.type === 'full') {
    throw new JsonRefusal(507, `There are ${book.keys.maxKeys} keys already: delete one first`)
  }
  const data = { id: made.entry.id, key: made.key, name, permissions }
  return ok({ data, message: 'API key created: it is shown this once', status: 'success' })
}

async function oneKey (book: RelayBook, request: JsonRequest): Promise<JsonAnswer> {
  authorize(book, request, 'admin')
  onlyMethods(request, ['DELETE'])
  const verdict = await book.removeKey(pathRest(request, `${KEYS}/`))
  if (verdict === 'unknown') {
    throw new JsonRefusal(404, 'API key not found')
  }
  if (verdict === 'last-admin') {
    throw new JsonRefusal(409, 'This is the last key with the permission admin: make another one first')
  }
  return ok({ message: 'API key deleted successfully', status: 'success' })
}

/** @throws {JsonRefusal} 401, 403 */
function authorize (book: RelayBook, request: JsonRequest, wanted: Permission): void {
  const given = /^Bearer +(\S+)$/i.exec(request.authorization ?? '')?.[1]
  if (given === undefined) {
    throw new JsonRefusal(401, 'Missing or invalid Authorization header', { 'www-authenticate': 'Bearer' })
  }
  const key = book.keyOf(given)
  if (key === undefined) {
    throw new JsonRefusal(401, 'Invalid API key', { 'www-authenticate': 'Bearer error="invalid_token"' })
  }
  if (!isPermitted(key, wanted)) {
    throw new JsonRefusal(403, `This API key lacks the permission ${wanted}`)
  }
}

function ok (body: unknown): JsonAnswer {
  return { status: 200, body }
}
