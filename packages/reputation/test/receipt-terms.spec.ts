import { expect } from 'chai'
import { disagreement } from '../src/index.ts'
import { receipt } from './ledger-fixture.ts'

const mine = receipt({ tokensIn: 100, tokensOut: 1000, bytes: 50_000, durationMs: 20_000, firstTokenMs: 400 })

describe('the terms of a receipt', () => {
  const cases: Array<[string, object, string | undefined]> = [
    ['what was measured', {}, undefined],
    ['a few tokens more', { tokensOut: 1050 }, undefined],
    ['a tenth more tokens', { tokensOut: 1120 }, 'tokensOut'],
    ['fewer tokens of the prompt', { tokensIn: 50 }, 'tokensIn'],
    ['times with the network in them', { durationMs: 22_000, firstTokenMs: 3000 }, undefined],
    ['twice the time', { durationMs: 40_000 }, 'durationMs'],
    ['a first token ten seconds late', { firstTokenMs: 10_400 }, 'firstTokenMs'],
    ['twice the bytes', { bytes: 100_000 }, 'bytes'],
    ['a truncated answer', { outcome: 'truncated' }, 'outcome'],
    ['another model', { model: 'other' }, 'model'],
    ['another request', { requestId: 'f'.repeat(32) }, 'requestId']
  ]
  for (const [name, changes, field] of cases) {
    it(`${field === undefined ? 'hold for' : `do not hold for`} ${name}`, () => {
      expect(disagreement(mine, { ...mine, ...changes })).to.equal(field)
    })
  }

  it('hold for an answer that broke off, whether it is called failed or truncated', () => {
    expect(disagreement({ ...mine, outcome: 'failed' }, { ...mine, outcome: 'truncated' })).to.equal(undefined)
  })
})
