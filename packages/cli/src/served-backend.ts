/** What `--serve` names: the built-in model, or an OpenAI-compatible server. */
import { openaiBackend } from '@skein/inference'
import { smokeBackend } from '@skein/smoke-model'
import type { Backend } from '@skein/inference'

export interface ServedOptions {
  maxConcurrent?: number
  pace?: number
  apiKey?: string
}

/** The value of `--serve` is neither the built-in model nor a URL. */
export class UnknownBackendError extends Error {
  static override name = 'UnknownBackendError'
  override readonly name = 'UnknownBackendError'

  constructor (what: string) {
    super(`--serve ${what}: expected "smoke", or the base URL of an OpenAI-compatible server such as http://127.0.0.1:11434/v1`)
  }
}

export async function backendFor (what: string, options: ServedOptions): Promise<Backend> {
  if (what === 'smoke') {
    return smokeBackend({ maxConcurrent: options.maxConcurrent, tokensPerSecond: options.pace })
  }
  if (!/^https?:\/\//.test(what) || !URL.canParse(what)) {
    throw new UnknownBackendError(what)
  }
  return openaiBackend(what, { apiKey: options.apiKey, maxConcurrent: options.maxConcurrent })
}
