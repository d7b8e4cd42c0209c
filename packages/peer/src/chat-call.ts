/** A chat under way, the way a program reads it: pieces of text as they come, or the whole answer at the end. */
import { Answer } from './openai/answer.ts'
import type { CallRoute, ModelCall } from './openai/model-caller.ts'
import type { InferenceEvent, JsonObject, JsonValue } from '@skein/inference'

/** One piece of an answer. */
export interface ChatDelta {
  /** What choice 0 adds to the text; may be empty */
  text: string
  /** `delta.tool_calls` as OpenAI streams them */
  tools?: JsonValue[]
  /** The whole OpenAI chunk, where it says more than text can */
  chunk?: JsonObject
}

/** Read it once, in one of its ways. A read that throws an `InferenceError` has failed, whatever it gave before. */
export interface ChatCall extends AsyncIterable<ChatDelta> {
  /** Who answers, how it is connected, and which attempt it was; known once the first piece is in */
  readonly route: Promise<CallRoute>
  /** The text of choice 0, whole */
  text (): Promise<string>
  /** The text of choice 0 in pieces */
  textStream (): AsyncIterable<string>
  /** The whole answer as an OpenAI `chat.completion` */
  completion (): Promise<JsonObject>
}

export interface ChatCallInit {
  call: ModelCall
  model: string
  id: string
  createdSeconds: number
}

/** Longest answer that `text()` and `completion()` put together, characters. */
const MAX_ANSWER_CHARS = 32 * 1024 * 1024

export function chatCall (init: ChatCallInit): ChatCall {
  const { call } = init
  const answer = async (): Promise<JsonObject> => {
    const whole = new Answer({ task: 'chat', model: init.model, id: init.id, createdSeconds: init.createdSeconds, maxAnswerChars: MAX_ANSWER_CHARS })
    for await (const event of call) {
      whole.push(event)
    }
    return whole.response()
  }
  return {
    route: call.route,
    [Symbol.asyncIterator]: () => deltas(call),
    textStream: () => texts(call),
    completion: answer,
    text: async () => {
      const { choices } = await answer() as { choices: Array<{ message: { content: string | null } }> }
      return choices[0]?.message.content ?? ''
    }
  }
}

async function * deltas (events: AsyncIterable<InferenceEvent>): AsyncGenerator<ChatDelta, void, undefined> {
  for await (const event of events) {
    if (event.type === 'delta') {
      yield event.chunk == null ? { text: event.text } : { text: event.text, chunk: event.chunk }
    } else if (event.type === 'tool') {
      yield { text: '', tools: event.calls }
    }
  }
}

async function * texts (events: AsyncIterable<InferenceEvent>): AsyncGenerator<string, void, undefined> {
  for await (const event of events) {
    if (event.type === 'delta' && event.text !== '') {
      yield event.text
    }
  }
}
