import { readFileSync } from 'node:fs'
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import { DialBackAnswer, DialBackRequest } from '../src/pb/dial-back.ts'

interface Vector {
  name: string
  message: Record<string, unknown>
  bytes: string
}

const vectors = JSON.parse(readFileSync(new URL('vectors/dial-back.json', import.meta.url), 'utf8')) as { requests: Vector[], answers: Vector[] }

/** Bytes as hexadecimal and large numbers as text, as the vectors have them. */
function plain (message: unknown): unknown {
  return JSON.parse(JSON.stringify(message, (_, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : typeof value === 'bigint' ? value.toString() : value))
}

describe('Messages of dial-back', () => {
  for (const [kind, codec] of [['requests', DialBackRequest], ['answers', DialBackAnswer]] as const) {
    for (const { name, message, bytes } of vectors[kind]) {
      it(`are as in the vectors: ${name}`, () => {
        const decoded = codec.decode(fromHex(bytes))
        expect(plain(decoded)).to.deep.equal(message)
        expect(toHex(codec.encode(decoded as never))).to.equal(bytes)
      })
    }
  }
})
