/**
 * Writes `vectors.json`, to be run when the weights change:
 *
 *   node --conditions=skein-source packages/smoke-model/test/vectors.ts
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '@skein/core'
import { loadSmokeModel } from '../src/weight-loader.ts'

const TOKENS = 32
const CASES = [
  { prompt: 'Call me', seed: 1, temperature: 0.8 },
  { prompt: 'The white whale', seed: null, temperature: 0.8 },
  { prompt: 'What is the meaning of life?\n\n', seed: 2 ** 52 + 1, temperature: 1.5 },
  { prompt: '"There she blows!"', seed: null, temperature: 0 },
  { prompt: 'Überall Wasser… 🐋', seed: -7, temperature: 1 }
]

/** CRC-32 of the logits as little-endian doubles. */
export function fingerprintOf (logits: Float64Array): string {
  const view = new DataView(new ArrayBuffer(8 * logits.length))
  logits.forEach((value, index) => { view.setFloat64(8 * index, value, true) })
  return crc32(new Uint8Array(view.buffer)).toString(16).padStart(8, '0')
}

if (import.meta.main) {
  const model = await loadSmokeModel()
  const cases = CASES.map(({ prompt, seed, temperature }) => {
    const ids = model.encode(prompt)
    const pieces = [...model.generate(ids, { maxTokens: TOKENS, temperature, seed: seed ?? undefined })]
    const tokens = pieces.map(piece => piece.token)
    return { prompt, seed, temperature, tokens, text: pieces.map(piece => piece.text).join(''), logits: fingerprintOf(model.predict([...ids, ...tokens])) }
  })
  writeFileSync(join(import.meta.dirname, 'vectors.json'), JSON.stringify({ fingerprint: model.fingerprint, cases }) + '\n')
}
