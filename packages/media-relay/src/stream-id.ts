/** Stream ids: `live_TOKEN` names what is published, `play_TOKEN` lets one play it. Whoever knows one may use it, so both are secrets. */

export type StreamRole = 'publisher' | 'player'

export const STREAM_ID_PREFIXES: Record<StreamRole, string> = { publisher: 'live_', player: 'play_' }

/** Longest token; SRT itself takes stream ids of up to 512 characters. */
const MAX_TOKEN_CHARACTERS = 128
const TOKEN = new RegExp(`^[A-Za-z0-9._-]{1,${MAX_TOKEN_CHARACTERS}}$`)

/** What a caller says in its handshake. `mode` is what it wants to do, if it says so. */
export type AskedStream =
  | { type: 'missing' }
  | { type: 'malformed' }
  | { type: 'asked', id: string, mode?: StreamRole | 'other' }

const MODES: Record<string, StreamRole | undefined> = { publish: 'publisher', request: 'player' }
const ACCESS_SYNTAX = '#!::'

/** Why a text is no id of that role; `undefined` when it is one. */
export function streamIdProblem (role: StreamRole, value: unknown): string | undefined {
  const prefix = STREAM_ID_PREFIXES[role]
  if (typeof value !== 'string') {
    return `has to be a text such as ${prefix}4f2a`
  }
  return value.startsWith(prefix) && TOKEN.test(value.slice(prefix.length))
    ? undefined
    : `has to be ${prefix} and 1 to ${MAX_TOKEN_CHARACTERS} letters, digits, dots, dashes or underscores`
}

/** The role that an id has; `undefined` when it is no id. */
export function streamRole (id: string): StreamRole | undefined {
  return (['publisher', 'player'] as const).find(role => streamIdProblem(role, id) === undefined)
}

/** Reads a stream id: the id itself, or `#!::r=ID,m=publish` (SRT's access control guidelines), of which only `r` and `m` are looked at. */
export function readStreamId (text: string): AskedStream {
  if (text === '') {
    return { type: 'missing' }
  }
  if (!text.startsWith(ACCESS_SYNTAX)) {
    return streamRole(text) === undefined ? { type: 'malformed' } : { type: 'asked', id: text }
  }
  const keys = new Map<string, string>()
  for (const part of text.slice(ACCESS_SYNTAX.length).split(',')) {
    const at = part.indexOf('=')
    if (at < 1 || keys.has(part.slice(0, at))) {
      return { type: 'malformed' }
    }
    keys.set(part.slice(0, at), part.slice(at + 1))
  }
  const id = keys.get('r') ?? ''
  const mode = keys.get('m')
  if (id === '') {
    return { type: 'missing' }
  }
  if (streamRole(id) === undefined) {
    return { type: 'malformed' }
  }
  return { type: 'asked', id, ...mode !== undefined && { mode: MODES[mode] ?? 'other' } }
}
