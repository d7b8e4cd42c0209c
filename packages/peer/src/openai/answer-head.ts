/** The fields that every chunk of an answer and the whole answer open with. */
import type { JsonObject } from '@skein/inference'

export interface AnswerHeadInit {
  task: 'chat' | 'completion'
  /** The model asked for; the server's own name for it, when it gives one, goes before */
  model: string
  /** Used when the server gives none */
  id: string
  /** Seconds since the Unix epoch; used when the server gives none */
  createdSeconds: number
}

const OBJECTS = { chat: 'chat.completion', completion: 'text_completion' }
/** Fields that say more than a head may. */
const RESERVED = new Set(['choices', 'usage', 'object', '__proto__'])

/** `extra` are the fields that the server sent ahead of its content. */
export function answerHead (init: AnswerHeadInit, extra: JsonObject, form: 'chunk' | 'whole'): JsonObject {
  const head: JsonObject = {
    id: init.id,
    object: OBJECTS[init.task] + (form === 'chunk' && init.task === 'chat' ? '.chunk' : ''),
    created: init.createdSeconds,
    model: init.model
  }
  for (const [key, value] of Object.entries(extra)) {
    if (!RESERVED.has(key) && value != null) {
      head[key] = value
    }
  }
  return head
}
