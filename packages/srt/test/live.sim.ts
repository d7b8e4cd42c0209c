import { expect } from 'chai'
import { numbered, numberOf, TwoEnds } from './two-ends.ts'
import type { Arrival, TwoEndsInit } from './two-ends.ts'

const LATENCY_MS = 500
const PAYLOAD_BYTES = 1_316
/** 8 Mbit/s */
const INTERVAL_MS = PAYLOAD_BYTES / 1_000

/** Sends one packet in each interval; returns when each was sent. */
function stream (ends: TwoEnds, packets: number, intervalMs = INTERVAL_MS, from: 'caller' | 'listener' = 'caller', first = 0): number[] {
  const sentMs: number[] = []
  for (let number = 0; number < packets; number++) {
    expect(ends[from].send(numbered(first + number, PAYLOAD_BYTES))).equal(true)
    sentMs.push(ends.clock.nowMs())
    ends.clock.advance(intervalMs)
  }
  return sentMs
}

function numbers (arrivals: Arrival[]): number[] {
  return arrivals.map(({ payload }) => numberOf(payload))
}

function range (from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at)
}

const latency = { latencyMs: LATENCY_MS }

describe('live mode under virtual time', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`loses no packet of 15 s at 8 Mbit/s with 2 % of loss, 40 ms of jitter and doubles (seed ${seed})`, () => {
      const ends = new TwoEnds({ seed, network: { lossRatio: 0.02, delayMs: 10, jitterMs: 40, duplicateRatio: 0.01 }, caller: latency, listener: latency })
      const sentMs = stream(ends, 11_400)
      ends.clock.advance(1_000)
      expect(numbers(ends.listener.arrivals)).deep.equal(range(0, 11_400))
      const delays = ends.listener.arrivals.map(({ atMs }, number) => atMs - sentMs[number]!)
      expect(Math.max(...delays) - Math.min(...delays), 'packets keep their distance').lessThan(3)
      expect(Math.min(...delays)).within(LATENCY_MS, LATENCY_MS + 80)
      expect(ends.listener.now()).includes({ pktRcvDropTotal: 0 })
      expect(ends.caller.now()).includes({ pktSndDropTotal: 0 })
      expect(ends.lost).greaterThan(200)
    })
  }

  const wrapped: Array<[string, TwoEndsInit]> = [
    ['plain', { seed: 5 }],
    ['encrypted', { seed: 6, caller: { passphrase: 'hunter2hunter2' }, listener: { passphrase: 'hunter2hunter2' } }]
  ]
  for (const [how, init] of wrapped) {
    it(`goes on when sequence numbers wrap, ${how}`, () => {
      const ends = new TwoEnds({
        ...init,
        initialSequence: 0x7fffffff - 500,
        network: { lossRatio: 0.02, jitterMs: 20 },
        caller: { ...latency, ...init.caller },
        listener: { ...latency, ...init.listener }
      })
      stream(ends, 2_000)
      stream(ends, 500, INTERVAL_MS, 'listener')
      ends.clock.advance(1_000)
      expect(numbers(ends.listener.arrivals)).deep.equal(range(0, 2_000))
      expect(numbers(ends.caller.arrivals)).deep.equal(range(0, 500))
    })
  }

  it('goes on when timestamps wrap, after 71.6 minutes', () => {
    const ends = new TwoEnds({ seed: 7, network: { lossRatio: 0.02, jitterMs: 20 }, caller: latency, listener: latency })
    const sentMs = [...stream(ends, 4_270, 1_000), ...stream(ends, 20_000, 2, 'caller', 4_270)]
    ends.clock.advance(1_000)
    expect(ends.clock.nowMs()).greaterThan(4_300_000)
    expect(numbers(ends.listener.arrivals)).deep.equal(range(0, 24_270))
    const delays = ends.listener.arrivals.map(({ atMs }, number) => atMs - sentMs[number]!)
    expect(Math.max(...delays)).lessThan(LATENCY_MS + 80)
  }).timeout(60_000)

  it('follows a clock that runs 200 ppm too fast', () => {
    const ends = new TwoEnds({ seed: 8, network: { delayMs: 20 }, caller: latency, listener: latency })
    const machine = ends.caller.driver.machine as unknown as { control: { startMs: number } }
    const sentMs: number[] = []
    for (let number = 0; number < 30_000; number++) {
      machine.control.startMs -= 0.002
      ends.caller.send(numbered(number, 188))
      sentMs.push(ends.clock.nowMs())
      ends.clock.advance(10)
    }
    ends.clock.advance(1_000)
    expect(ends.listener.arrivals.length).equal(30_000)
    const delays = ends.listener.arrivals.map(({ atMs }, number) => atMs - sentMs[number]!)
    // without a correction the last one would be 60 ms late
    expect(Math.max(...delays.slice(-1_000))).within(LATENCY_MS + 5, LATENCY_MS + 35)
  })

  it('skips what comes too late, and hands out the rest in time', () => {
    const ends = new TwoEnds({ seed: 9, network: { delayMs: 20 }, caller: latency, listener: latency })
    stream(ends, 100)
    ends.network = { lossRatio: 1 }
    stream(ends, 50, INTERVAL_MS, 'caller', 100)
    ends.clock.advance(1_300)
    ends.network = { delayMs: 20 }
    stream(ends, 600, INTERVAL_MS, 'caller', 150)
    ends.clock.advance(1_000)
    const arrived = numbers(ends.listener.arrivals)
    expect(arrived.slice(0, 100)).deep.equal(range(0, 100))
    expect(arrived.slice(100)).deep.equal(range(150, 750))
    expect(ends.listener.now().pktRcvDropTotal).equal(50)
  })

  it('gives up sending what is older than the latency, and says so', () => {
    const ends = new TwoEnds({ seed: 10, network: { delayMs: 20 }, caller: latency, listener: latency })
    ends.network = { lossRatio: 1 }
    stream(ends, 1_000)
    ends.clock.advance(1_200)
    expect(ends.caller.now()).includes({ pktSndDropTotal: 1_000, pktSndBuf: 0 })
    ends.network = { delayMs: 20 }
    stream(ends, 100, INTERVAL_MS, 'caller', 1_000)
    ends.clock.advance(1_000)
    expect(numbers(ends.listener.arrivals)).deep.equal(range(1_000, 1_100))
  })

  it('does not report what is merely out of order when it is told to wait', () => {
    const patient = { ...latency, lossMaxTtlPackets: 40, lossReportDelayMs: 250 }
    const network = { jitterMs: 40 }
    const eager = new TwoEnds({ seed: 11, network, caller: latency, listener: latency })
    const waiting = new TwoEnds({ seed: 11, network, caller: latency, listener: patient })
    stream(eager, 2_000)
    stream(waiting, 2_000)
    eager.clock.advance(1_000)
    waiting.clock.advance(1_000)
    expect(eager.caller.now().pktRetransTotal).greaterThan(500)
    expect(waiting.caller.now().pktRetransTotal).equal(0)
    expect(waiting.listener.arrivals.length).equal(2_000)
  })

  it('reports a loss in time though few packets come after it, at the end of a stream or of a slow one', () => {
    const patient = { latencyMs: 1_000, lossMaxTtlPackets: 40, lossReportDelayMs: 250 }
    for (const seed of range(20, 40)) {
      const ends = new TwoEnds({ seed, network: { delayMs: 40, lossRatio: 0.1 }, caller: {}, listener: patient })
      stream(ends, 100, 50) // 20 packets/s: forty of them take two seconds, twice the latency
      ends.clock.advance(2_000)
      expect(numbers(ends.listener.arrivals), `seed ${seed}`).deep.equal(range(0, 100))
    }
  })

  it('changes keys while it loses packets', () => {
    const options = { ...latency, passphrase: 'hunter2hunter2', keyRefreshPackets: 1_000, keyAnnouncePackets: 300 }
    const ends = new TwoEnds({ seed: 12, network: { lossRatio: 0.05, jitterMs: 20 }, caller: options, listener: options })
    stream(ends, 5_500)
    stream(ends, 2_500, INTERVAL_MS, 'listener')
    ends.clock.advance(1_000)
    expect(numbers(ends.listener.arrivals)).deep.equal(range(0, 5_500))
    expect(numbers(ends.caller.arrivals)).deep.equal(range(0, 2_500))
    expect(ends.listener.now()).includes({ pktRcvUndecryptTotal: 0 })
  })

  it('spreads packets over time when there is a limit', () => {
    const ends = new TwoEnds({ seed: 13, caller: { ...latency, maxBandwidthBytesPerSecond: 200_000 }, listener: latency })
    for (let number = 0; number < 100; number++) {
      ends.caller.send(numbered(number, PAYLOAD_BYTES))
    }
    ends.clock.advance(300)
    expect(ends.caller.now().pktSentTotal).within(40, 60)
  })

  it('ends in 5 s when the other side is gone, and keeps an idle connection for ever', () => {
    const ends = new TwoEnds({ seed: 14, network: { delayMs: 20 } })
    ends.clock.advance(60_000)
    expect([ends.caller.closed, ends.listener.closed]).deep.equal([undefined, undefined])
    ends.network = { lossRatio: 1 }
    ends.clock.advance(6_100)
    expect(ends.caller.closed?.error).property('name', 'SrtPeerGoneError')
    expect(ends.listener.closed?.error).property('name', 'SrtPeerGoneError')
  })
})
