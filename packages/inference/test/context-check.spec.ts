import { expect } from 'chai'
import { contextError, estimatePromptTokens } from '../src/index.ts'
import type { InferenceRequest } from '../src/index.ts'

describe('the estimate of a prompt', () => {
  const cases: Array<[string, Pick<InferenceRequest, 'task' | 'body'>, number]> = [
    ['messages', { task: 'chat', body: { messages: [{ content: 'x'.repeat(40) }, { role: 'user', content: '' }] } }, 18],
    ['parts of a message, without its images', { task: 'chat', body: { messages: [{ content: [
      { type: 'text', text: 'x'.repeat(8) }, { type: 'image_url', image_url: { url: 'x'.repeat(99_999) } }
    ] }] } }, 6],
    ['a prompt', { task: 'completion', body: { prompt: 'x'.repeat(41) } }, 11],
    ['token ids', { task: 'completion', body: { prompt: [1, 2, 3] } }, 3],
    ['the longest input', { task: 'embedding', body: { input: ['x', 'x'.repeat(80), 'x'] } }, 20],
    ['the longest input of token ids', { task: 'embedding', body: { input: [[1], [1, 2]] } }, 2],
    ['a body that makes no sense', { task: 'chat', body: { messages: 'no' } }, 0],
    ['another that makes none', { task: 'chat', body: { messages: [null, 1, [], { content: 7 }] } }, 4]
  ]
  for (const [name, request, tokens] of cases) {
    it(`counts ${name}`, () => {
      expect(estimatePromptTokens(request)).to.equal(tokens)
    })
  }

  it('refuses only what is far beyond the context, with both numbers', () => {
    const request = (chars: number): InferenceRequest => ({ task: 'completion', model: 'm', body: { prompt: 'x'.repeat(chars) } })
    expect(contextError(request(800), { contextTokens: 100 })).to.equal(undefined)
    expect(contextError(request(804), { contextTokens: 100 })).to.include({ code: 'context_length_exceeded', promptTokens: 201, contextTokens: 100 })
    expect(contextError(request(80_000), { contextTokens: 0 })).to.equal(undefined)
  })
})
