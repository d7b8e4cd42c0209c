import { InferenceError } from '@skein/inference'
import type { InferenceErrorCode } from '@skein/inference'
import { expect } from 'chai'
import { openAIFailure, RequestError } from '../../src/openai/index.ts'

describe('a failure in OpenAI\'s shape', () => {
  const cases: Array<[InferenceErrorCode, number, string, string, string | null]> = [
    ['busy', 429, 'rate_limit_error', 'rate_limit_exceeded', null],
    ['context_length_exceeded', 400, 'invalid_request_error', 'context_length_exceeded', 'messages'],
    ['model_not_found', 404, 'invalid_request_error', 'model_not_found', 'model'],
    ['no_provider', 404, 'invalid_request_error', 'model_not_found', 'model'],
    ['invalid_request', 400, 'invalid_request_error', 'invalid_request', null],
    ['oversize', 413, 'invalid_request_error', 'request_too_large', null],
    ['unauthorized', 403, 'permission_error', 'provider_unauthorized', null],
    ['deadline_exceeded', 504, 'timeout_error', 'deadline_exceeded', null],
    ['first_delta_timeout', 504, 'timeout_error', 'first_delta_timeout', null],
    ['stream_truncated', 502, 'server_error', 'stream_truncated', null],
    ['stream_corrupt', 502, 'server_error', 'stream_corrupt', null],
    ['connection_failed', 502, 'server_error', 'connection_failed', null],
    ['backend_failed', 502, 'server_error', 'backend_failed', null],
    ['cancelled', 499, 'request_cancelled', 'cancelled', null]
  ]
  for (const [code, status, type, openAICode, param] of cases) {
    it(`of ${code} is a ${status} ${openAICode}`, () => {
      const failure = openAIFailure(new InferenceError(code, 'what happened', { peer: 'P', deltas: 3 }))

      expect(failure.status).to.equal(status)
      expect(failure.body.error).to.include({ message: 'what happened', type, code: openAICode, param, skein_code: code, peer: 'P', deltas: 3 })
    })
  }

  const waits: Array<[number | undefined, string, string]> = [[undefined, '1', '1000'], [1, '1', '1'], [1000, '1', '1000'], [1000.2, '2', '1001'], [2500, '3', '2500']]
  for (const [retryAfterMs, seconds, ms] of waits) {
    it(`of busy for ${retryAfterMs} ms says to wait ${seconds} s, or ${ms} ms`, () => {
      const { headers } = openAIFailure(new InferenceError('busy', 'full', { retryAfterMs }))

      expect(headers).to.deep.equal({ 'retry-after': seconds, 'retry-after-ms': ms })
    })
  }

  it('of a context overflow has both numbers in its message and its fields', () => {
    const { error } = openAIFailure(new InferenceError('context_length_exceeded', 'too long', { promptTokens: 9000, contextTokens: 4096 })).body

    expect(error).to.include({ prompt_tokens: 9000, context_tokens: 4096 })
    expect(error.message).to.equal('too long (this model\'s maximum context length is 4096 tokens, the request takes 9000)')
  })

  it('of a context overflow does not repeat numbers that are there', () => {
    const { error } = openAIFailure(new InferenceError('context_length_exceeded', '9000 do not fit 4096', { promptTokens: 9000, contextTokens: 4096 })).body

    expect(error.message).to.equal('9000 do not fit 4096')
  })

  it('tells a client not to repeat what cannot succeed', () => {
    expect(openAIFailure(new InferenceError('backend_failed', 'x', { retryable: false })).headers).to.deep.equal({ 'x-should-retry': 'false' })
    expect(openAIFailure(new InferenceError('backend_failed', 'x')).headers).to.deep.equal({})
  })

  it('of another kind is a 500', () => {
    expect(openAIFailure(new TypeError('oops'))).to.deep.equal({
      status: 500, headers: {}, body: { error: { message: 'oops', type: 'server_error', param: null, code: 'internal_error' } }
    })
    expect(openAIFailure('text').body.error.message).to.equal('text')
  })

  for (const [status, type] of [[401, 'authentication_error'], [404, 'invalid_request_error'], [429, 'rate_limit_error'], [503, 'server_error']] as const) {
    it(`of a refused request with ${status} is a ${type}`, () => {
      const failure = openAIFailure(new RequestError(status, 'c', 'm', { param: 'p', headers: { allow: 'GET' } }))

      expect(failure).to.deep.equal({ status, headers: { allow: 'GET' }, body: { error: { message: 'm', type, param: 'p', code: 'c' } } })
    })
  }
})
