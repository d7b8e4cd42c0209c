import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { Output } from '../src/output.ts'
import { duration, ProgressLine } from '../src/progress-line.ts'

describe('a bar of progress', () => {
  it('is drawn over itself on a terminal, with what is left, and can be taken away', () => {
    const clock = new ManualClock()
    const written: string[] = []
    const bar = new ProgressLine(new Output(false), { isTTY: true, columns: 100, write: text => { written.push(text) } }, clock)
    bar.update(0, 8)
    clock.advance(10_000)
    bar.update(2.5, 10)
    expect(written[0]).to.match(/^\r.*░{28} 0 % {2}0 of 8 runs$/)
    expect(written[1]).to.match(/^\r.*█{7}░{21} 25 % {2}2 of 10 runs, 30 s left$/)
    bar.clear()
    bar.clear()
    expect(written.slice(2)).to.deep.equal(['\r\u001B[2K'])
  })

  it('is never wider than the terminal', () => {
    const written: string[] = []
    new ProgressLine(new Output(false), { isTTY: true, columns: 30, write: text => { written.push(text) } }, new ManualClock()).update(1, 10)
    expect(written[0]!.replace('\r\u001B[2K', '')).to.have.length(29)
  })

  it('says durations in words', () => {
    expect([900, 12_345, 200_000, 7_500_000].map(duration)).to.deep.equal(['0.9 s', '12 s', '3 min 20 s', '2 h 5 min'])
  })
})
