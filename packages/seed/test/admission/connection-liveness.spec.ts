import { expect } from 'chai'
import { ConnectionLiveness } from '../../src/admission/connection-liveness.ts'

describe('the liveness of connections', () => {
  /** What is done until `untilMs`, looked at in time. `heard` at these times. */
  function run (heardMs: number[], untilMs: number): string[] {
    const liveness = new ConnectionLiveness()
    const done: string[] = []
    liveness.onOpen(1, 0)
    for (let nowMs = 0; nowMs <= untilMs; nowMs += 1_000) {
      if (heardMs.includes(nowMs)) {
        liveness.onHeard(1, nowMs)
      }
      if ((liveness.nextTimeoutMs() ?? Infinity) <= nowMs) {
        liveness.onTimeout(nowMs)
      }
      for (let effect = liveness.poll(); effect !== undefined; effect = liveness.poll()) {
        done.push(`${nowMs / 1_000} ${effect.type}`)
      }
    }
    return done
  }

  const cases: Array<[name: string, heardSeconds: number[], done: string[]]> = [
    ['pings one that is silent for 60 s, and closes it 30 s later', [], ['60 ping', '90 close']],
    ['lets one alone that says something twice a minute', [30, 60, 90, 120, 150, 180], []],
    ['keeps one that answers', [61, 122, 183], ['60 ping', '121 ping', '182 ping']],
    ['keeps one that answers late', [89, 178], ['60 ping', '149 ping']]
  ]
  for (const [name, heardSeconds, done] of cases) {
    it(name, () => {
      expect(run(heardSeconds.map(seconds => seconds * 1_000), 190_000)).to.deep.equal(done)
    })
  }

  it('gives all their time anew after the process was held up, for what they said has not been read', () => {
    const liveness = new ConnectionLiveness()
    for (let id = 0; id < 100; id++) {
      liveness.onOpen(id, 0)
    }
    liveness.onTimeout(60_000)
    while (liveness.poll() !== undefined) { /* pings */ }
    liveness.onTimeout(95_000) // due at 90_000
    const effects = Array.from({ length: 100 }, () => liveness.poll()?.type)
    expect(new Set(effects)).to.deep.equal(new Set(['ping']))
    expect(liveness.nextTimeoutMs()).to.equal(125_000)
    liveness.onTimeout(125_000)
    expect(liveness.poll()).to.deep.equal({ type: 'close', id: 0 })
    expect(liveness.size).to.equal(0)
  })

  it('forgets one that is closed', () => {
    const liveness = new ConnectionLiveness()
    liveness.onOpen(1, 0)
    liveness.onClose(1)
    liveness.onHeard(1, 1)
    expect([liveness.size, liveness.nextTimeoutMs()]).to.deep.equal([0, undefined])
  })
})
