/**
 * The rest of an answer whose beginning the caller has: the model says all of it again, and what the caller has is left out. It costs the tokens once
 * more and the way nothing, so that an answer passes in parts where no way carries it whole, such as through relays with a limit.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes } from '@skein/core'
import { InferenceError } from './errors.ts'
import type { Continuation, InferenceEvent } from './backend.ts'

/** Longest beginning that can be left out, UTF-16 code units: it is kept until it is compared. */
export const MAX_CONTINUED_CHARS = 4 * 1024 * 1024

export function continuationOf (text: string): Continuation {
  return { chars: text.length, hash: sha256(new TextEncoder().encode(text)) }
}

/** The answer as it is, where nothing is to be left out. @throws {InferenceError} `backend_failed` when it begins differently this time */
export function continued (answer: AsyncIterable<InferenceEvent>, from: Continuation | undefined): AsyncIterable<InferenceEvent> {
  return from === undefined ? answer : rest(answer, from)
}

async function * rest (answer: AsyncIterable<InferenceEvent>, from: Continuation): AsyncGenerator<InferenceEvent, void, undefined> {
  if (from.chars > MAX_CONTINUED_CHARS) {
    throw new InferenceError('invalid_request', `At most ${MAX_CONTINUED_CHARS} characters of an answer are left out`)
  }
  let beginning = ''
  let isTold = false
  let isReached = false
  for await (const event of answer) {
    if (!isTold) {
      isTold = true
      yield { type: 'head', head: event.type === 'head' ? event.head : {}, continued: from.chars }
    }
    if (event.type === 'head') {
      continue
    }
    if (isReached || event.type === 'usage') {
      yield event
      continue
    }
    if (event.type !== 'delta' || event.chunk !== undefined) {
      throw differs()
    }
    const known = event.text.slice(0, from.chars - beginning.length)
    beginning += known
    if (beginning.length === from.chars) {
      if (!equalBytes(continuationOf(beginning).hash, from.hash)) {
        throw differs()
      }
      isReached = true
      beginning = ''
      if (known.length < event.text.length) {
        yield { type: 'delta', text: event.text.slice(known.length) }
      }
    }
  }
  if (!isReached) {
    throw differs()
  }
}

function differs (): InferenceError {
  return new InferenceError('backend_failed', 'The answer is another one this time than the one that was to go on', { retryable: false })
}
