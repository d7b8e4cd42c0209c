/** Looks for a model server that people run on their machine, on its usual port. */
import { deadline } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { openaiBackend } from '@skein/inference'
import type { Backend } from '@skein/inference'

/** Where Ollama listens unless it is told otherwise. */
export const OLLAMA_URL = 'http://127.0.0.1:11434/v1'
const PROBE_TIMEOUT_MS = 500

/** A backend for it, and what it serves; `undefined` when nothing answers there. */
export async function findLocalServer (url: string): Promise<{ url: string, backend: Backend, models: string[] } | undefined> {
  const limit = deadline(systemClock(), PROBE_TIMEOUT_MS)
  try {
    const backend = openaiBackend(url)
    const models = await backend.models({ signal: limit.signal })
    return models.length === 0 ? undefined : { url, backend, models: models.map(model => model.id) }
  } catch {
    return undefined
  } finally {
    limit.clear()
  }
}
