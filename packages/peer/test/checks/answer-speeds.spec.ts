import { expect } from 'chai'
import { AnswerSpeeds } from '../../src/checks/answer-speeds.ts'

const speed = (tokensPerSecond: number): Parameters<AnswerSpeeds['onAnswer']>[2] =>
  ({ tokensPerSecond, mostTokensPerSecond: tokensPerSecond, firstTokenMs: 1000 / tokensPerSecond, pieces: 10 })

describe('the speeds of answers', () => {
  it('are the median of the last eight, for each provider and model', () => {
    const speeds = new AnswerSpeeds()
    expect(speeds.of('p', 'm')).to.equal(undefined)
    for (const value of [1, 1, 1, 50, 51, 52, 1000, 49, 48, 47, 53]) {
      speeds.onAnswer('p', 'm', speed(value))
    }
    speeds.onAnswer('p', 'other', speed(7))
    expect(speeds.of('p', 'm')).to.deep.include({ tokensPerSecond: 50, answers: 8 })
    expect(speeds.of('p', 'other')?.tokensPerSecond).to.equal(7)
    expect(speeds.of('q', 'm')).to.equal(undefined)
  })
})
