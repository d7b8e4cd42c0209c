/** The model of the test, as honest providers and liars serve it, and callers that count who answered. */
import { handlerBackend } from '@skein/inference'
import type { Peer } from '@skein/peer'

export const MODEL = 'echo-16'
export const ANSWER = Array.from({ length: 16 }, (_, i) => `word${i} `)

/** - `boasts`: claims a hundred times its speed - `truncates`: leaves the end of its answers out, and ends them all the same - `forges`: receipts */
export type Conduct = 'honest' | 'boasts' | 'truncates' | 'forges'

const WORD_MS = 2
const TOKENS_PER_SECOND = 1000 / WORD_MS

export async function serveModel (peer: Peer, conduct: Conduct): Promise<void> {
  await peer.serve(handlerBackend(MODEL, async function * () {
    for (const word of conduct === 'truncates' ? ANSWER.slice(0, 8) : ANSWER) {
      await new Promise(resolve => setTimeout(resolve, conduct === 'boasts' ? 50 * WORD_MS : WORD_MS))
      yield word
    }
  }, { deterministic: true, maxConcurrent: 32, tokensPerSecond: conduct === 'boasts' ? 100 * TOKENS_PER_SECOND : TOKENS_PER_SECOND }))
}

export interface Called {
  /** Who answered, request by request; `undefined` where nobody did */
  answeredBy: Array<string | undefined>
  /** Answers that were not whole */
  wrong: number
}

/** One request after the other, each unlike any before. */
export async function askMany (peer: Peer, requests: number, from: number): Promise<Called> {
  const called: Called = { answeredBy: [], wrong: 0 }
  for (let i = from; i < from + requests; i++) {
    const call = peer.chat({ model: MODEL, messages: [{ role: 'user', content: `${peer.id} ${i}` }], temperature: 0, seed: i })
    try {
      called.wrong += await call.text() === ANSWER.join('') ? 0 : 1
      called.answeredBy.push((await call.route).peer)
    } catch {
      called.answeredBy.push(undefined)
    }
  }
  return called
}
