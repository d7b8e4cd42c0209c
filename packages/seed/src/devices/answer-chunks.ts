/** The events of an answer as OpenAI's `chat.completion.chunk` objects: piece by piece, or all in one for a device that does not stream. */
import type { InferenceEvent, JsonObject, JsonValue } from '@skein/inference'

export interface AnswerChunksInit {
  model: string
  /** Used when the server gives none */
  id: string
  createdSeconds: number
}

/** Longest answer that is put together for a device that does not stream, characters. */
const MAX_WHOLE_CHARS = 1024 * 1024
const MAX_TOOL_CALLS = 128

export class AnswerChunks {
  private head: JsonObject
  private started = false
  private finished = false
  private calledTools = false

  constructor (init: AnswerChunksInit) {
    this.head = { id: init.id, object: 'chat.completion.chunk', created: init.createdSeconds, model: init.model }
  }

  /** The chunk that `event` is; some are none. */
  push (event: InferenceEvent): JsonObject | undefined {
    switch (event.type) {
      case 'head': {
        const { choices: _, usage: __, object: ___, ...rest } = event.head
        this.head = { ...this.head, ...rest }
        return undefined
      }
      case 'delta':
        return event.chunk == null ? this.choice({ content: event.text }) : this.whole(event.chunk)
      case 'tool':
        this.calledTools = true
        return this.choice({ tool_calls: event.calls })
      case 'usage':
        return { ...this.head, choices: [], usage: event.usage }
      case 'finish':
        this.finished = true
        return this.choice({}, event.reason)
    }
  }

  /** What closes an answer whose end nobody told. */
  end (): JsonObject | undefined {
    return this.finished ? undefined : this.choice({}, this.calledTools ? 'tool_calls' : 'stop')
  }

  private choice (delta: JsonObject, reason: string | null = null): JsonObject {
    const role = this.started ? {} : { role: 'assistant' }
    this.started = true
    return { ...this.head, choices: [{ index: 0, delta: { ...role, ...delta }, finish_reason: reason }] }
  }

  private whole (chunk: JsonObject): JsonObject {
    this.started = true
    return { ...this.head, ...chunk }
  }
}

/** Puts the events together into the one `delta` and finish reason of choice 0. */
export class WholeAnswer {
  private text = ''
  private reason?: string
  private usage?: JsonObject
  private head: JsonObject = {}
  private readonly calls: JsonObject[] = []

  /** `false` when the answer has become too long. */
  push (event: InferenceEvent): boolean {
    switch (event.type) {
      case 'head':
        this.head = event.head
        return true
      case 'delta':
        this.text += event.text
        return this.text.length <= MAX_WHOLE_CHARS
      case 'tool':
        for (const call of event.calls) {
          this.addCall(call)
        }
        return JSON.stringify(this.calls).length <= MAX_WHOLE_CHARS
      case 'usage':
        this.usage = event.usage
        return true
      case 'finish':
        this.reason = event.reason
        return true
    }
  }

  chunk (init: AnswerChunksInit): JsonObject {
    const chunks = new AnswerChunks(init)
    chunks.push({ type: 'head', head: this.head })
    const calls = this.calls.length === 0 ? undefined : this.calls
    const delta = { role: 'assistant', content: this.text, tool_calls: calls }
    const choices = [{ index: 0, delta, finish_reason: this.reason ?? (calls == null ? 'stop' : 'tool_calls') }]
    return { ...chunks.push({ type: 'usage', usage: {} }), choices, usage: this.usage }
  }

  /** Tool calls come in pieces: the first with id and name, the others with more of the arguments. */
  private addCall (piece: JsonValue): void {
    if (typeof piece !== 'object' || piece === null || Array.isArray(piece)) {
      return
    }
    const index = typeof piece.index === 'number' ? piece.index : this.calls.length
    const known = this.calls.find(call => call.index === index)
    if (known == null) {
      if (this.calls.length < MAX_TOOL_CALLS) {
        this.calls.push({ ...piece, index })
      }
      return
    }
    const [before, added] = [known.function as JsonObject | undefined, piece.function as JsonObject | undefined]
    known.function = { ...before, ...added, name: before?.name ?? added?.name, arguments: `${before?.arguments ?? ''}${added?.arguments ?? ''}` }
  }
}
