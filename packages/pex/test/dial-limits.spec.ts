import { expect } from 'chai'
import fc from 'fast-check'
import { DIAL_MINUTE_MS, DIAL_WINDOW_MS, DialLimits, smallNetworkOf } from '../src/index.ts'

const attempt = fc.record({
  pauseMs: fc.integer({ min: 0, max: 20_000 }),
  source: fc.constantFrom(undefined, 'a', 'b', 'c', 'd'),
  hosts: fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 4 })
})

describe('DialLimits', () => {
  it('never lets more than two addresses of a /24 be dialled in any minute', () => {
    fc.assert(fc.property(fc.array(attempt, { maxLength: 200 }), attempts => {
      const { dials } = run(attempts, new DialLimits())
      for (const { atMs, network } of dials) {
        expect(dials.filter(other => other.network === network && other.atMs >= atMs && other.atMs < atMs + DIAL_MINUTE_MS)).to.have.length.at.most(2)
      }
    }))
  })

  it('never lets a source cause more than a tenth of the dials of ten minutes, but for the first two', () => {
    fc.assert(fc.property(fc.array(attempt, { maxLength: 200 }), attempts => {
      const { made } = run(attempts, new DialLimits())
      made.forEach(({ atMs, source }, i) => {
        const window = made.slice(0, i + 1).filter(dial => atMs - dial.atMs < DIAL_WINDOW_MS)
        const caused = window.filter(dial => dial.source === source).length
        expect(source === undefined || caused <= Math.max(2, 0.1 * window.length), `${source} ${caused} of ${window.length}`).to.equal(true)
      })
    }))
  })

  it('leaves a network alone in which two dials in a row failed, each time for twice as long, until one leads to its peer', () => {
    const limits = new DialLimits({ maxBackOffMs: 7_200_000 })
    const [victim, other] = [['/ip4/198.51.100.1/tcp/1'], ['/ip4/192.0.2.1/tcp/1']]
    const minutes: number[] = []
    for (let minute = 0; minute < 600; minute++) {
      const nowMs = minute * 60_000
      limits.onSucceeded(other, nowMs)
      if (limits.plan(victim, undefined, nowMs).length > 0) {
        limits.onDial(victim, undefined, nowMs)
        limits.onFailed(victim, nowMs)
        minutes.push(minute)
      }
    }
    expect(minutes).to.deep.equal([0, 1, 31, 91, 211, 331, 451, 571])
    expect(limits.plan(other, undefined, 36_000_000)).to.deep.equal(other)
    limits.onSucceeded(victim, 36_000_000)
    expect(limits.plan(victim, undefined, 36_000_000)).to.deep.equal(victim)
  })

  it('takes failures without any success for its own lack of a network, and a success at one of several networks for none of them', () => {
    const limits = new DialLimits()
    const victim = ['/ip4/198.51.100.1/tcp/1']
    for (let minute = 0; minute < 5; minute++) {
      limits.onFailed(victim, minute * 60_000)
    }
    expect(limits.plan(victim, undefined, 300_000)).to.deep.equal(victim)
    limits.onSucceeded(['/ip4/192.0.2.1/tcp/1', ...victim], 300_000)
    limits.onFailed(victim, 300_000)
    limits.onFailed(victim, 300_000)
    limits.onSucceeded(['/ip4/192.0.2.1/tcp/1', ...victim], 310_000)
    expect(limits.plan(victim, undefined, 320_000)).to.deep.equal([])
  })

  it('stops at the most dials of ten minutes, and goes on after them', () => {
    const limits = new DialLimits({ maxDials: 3 })
    const dialled = [0, 1, 2, 3, DIAL_WINDOW_MS].map(nowMs => {
      const addresses = limits.plan([`/ip4/198.51.${nowMs % 256}.1/tcp/1`], undefined, nowMs)
      if (addresses.length > 0) {
        limits.onDial(addresses, undefined, nowMs)
      }
      return addresses.length
    })
    expect(dialled).to.deep.equal([1, 1, 1, 0, 1])
  })

  it('leaves the peers of a home or office alone', () => {
    const limits = new DialLimits()
    const addresses = Array.from({ length: 10 }, (_, i) => `/ip4/192.168.0.${i}/tcp/1`)
    expect(limits.plan(addresses, 'a', 0)).to.deep.equal(addresses)
  })

  it('dials at most two of 1,000 forged records of one source', () => {
    const limits = new DialLimits()
    let dials = 0
    for (let i = 0; i < 1000; i++) {
      const addresses = limits.plan([`/ip4/203.${i >> 8}.${i & 255}.1/tcp/1`], 'liar', i * 100)
      if (addresses.length > 0) {
        limits.onDial(addresses, 'liar', i * 100)
        dials++
      }
    }
    expect(dials).to.equal(2)
  })

  it('let others dial by the rule of networks alone, and count what they refuse', () => {
    const limits = new DialLimits({ maxDials: 1 })
    const here = '/ip4/203.0.113.7/tcp/1'
    expect(limits.take([here, '/ip4/192.168.1.1/tcp/1'], 0)).to.have.length(2)
    expect(limits.take([here], 0)).to.deep.equal([here])
    expect(limits.take([here], 59_999)).to.deep.equal([])
    expect(limits.take(['/ip4/192.168.1.1/tcp/1'], 59_999)).to.have.length(1)
    expect(limits.take([here], 60_000)).to.deep.equal([here])
    expect(limits.counters).to.deep.equal({ dials_total: 4, refused_total: 1 })
  })

  it('do not count a dial that led to its peer', () => {
    const limits = new DialLimits()
    const [here, beside, there] = ['/ip4/203.0.113.9/tcp/1', '/ip4/203.0.113.8/tcp/1', '/ip4/198.51.100.1/tcp/1'] as const
    for (let i = 0; i < 5; i++) {
      expect(limits.take([here], i)).to.deep.equal([here])
      limits.giveBack([here])
    }
    expect(limits.take([here, beside, there], 9)).to.have.length(3)
    limits.giveBack([there])
    expect(limits.take([here, there], 10)).to.deep.equal([there])
    limits.giveBack(['/ip4/192.0.2.1/tcp/1', '/ip4/192.168.1.1/tcp/1'])
  })

  it('let nobody dial a name that stands for any number of addresses, nor a circuit, which costs its relay', () => {
    const circuit = '/ip4/203.0.113.9/tcp/1/p2p/12D3KooWLRPJAA5o6KyPc4xQgdCV4aFfkU3sZ9zqvCJwmsrE6dKa/p2p-circuit'
    const allowed = new DialLimits().plan(['/dnsaddr/many.example.com', circuit, '/dns4/one.example.com/tcp/1'], undefined, 0)
    expect(allowed).to.deep.equal(['/dns4/one.example.com/tcp/1'])
  })
})

function run (attempts: Array<{ pauseMs: number, source: string | undefined, hosts: Array<[number, number]> }>, limits: DialLimits) {
  const dials: Array<{ atMs: number, network: string }> = []
  const made: Array<{ atMs: number, source: string | undefined }> = []
  let nowMs = 0
  for (const { pauseMs, source, hosts } of attempts) {
    nowMs += pauseMs
    const addresses = limits.plan(hosts.map(([c, d]) => `/ip4/203.0.${c}.${d}/tcp/4001`), source, nowMs)
    if (addresses.length > 0) {
      limits.onDial(addresses, source, nowMs)
      made.push({ atMs: nowMs, source })
      dials.push(...addresses.map(address => ({ atMs: nowMs, network: smallNetworkOf(address) as string })))
    }
  }
  return { dials, made }
}
