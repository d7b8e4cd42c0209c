import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { NatWatch } from '../../src/paths/nat-watch.ts'
import type { NatVerdict } from '@skein/reachability'

const SERVERS = ['/ip4/192.0.2.1/udp/3478', '/ip4/198.51.100.1/udp/3478']
const CONE: NatVerdict = { mapping: 'endpoint-independent', filtering: 'port', publicAddress: '203.0.113.7', publicPort: 61_000 }
const SYMMETRIC: NatVerdict = { mapping: 'random', publicAddress: '203.0.113.7' }

describe('what is known of the NAT before a peer', () => {
  let clock: ManualClock
  let servers: string[]
  let answers: Array<NatVerdict | undefined | Error>
  let asked: number[]
  let changes: number
  let watch: NatWatch
  let tellMapped: (verdict: NatVerdict | undefined) => void

  beforeEach(() => {
    clock = new ManualClock(1_000)
    servers = [...SERVERS]
    answers = []
    asked = []
    changes = 0
    watch = new NatWatch({
      servers: () => servers,
      ask: async (_servers, _signal, onMapped) => {
        asked.push(clock.nowMs())
        tellMapped = onMapped
        const answer = answers.shift()
        if (answer instanceof Error) {
          throw answer
        }
        return answer
      },
      onChange: () => { changes++ },
      clock
    })
  })

  afterEach(() => { watch.stop() })

  async function pass (ms: number): Promise<void> {
    for (const endMs = clock.nowMs() + ms; clock.nowMs() < endMs;) {
      clock.advance(1_000)
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }

  async function started (...given: typeof answers): Promise<void> {
    answers = given
    watch.start()
    await new Promise(resolve => { setImmediate(resolve) })
  }

  it('is asked for at the start, and every ten minutes', async () => {
    await started(CONE, CONE)
    expect(watch.nat).to.deep.equal(CONE)
    await pass(600_000)
    expect(asked).to.deep.equal([1_000, 601_000])
    expect(changes).to.equal(1)
  })

  it('is told when it has changed', async () => {
    await started(CONE, SYMMETRIC)
    await pass(600_000)
    expect(watch.nat).to.deep.equal(SYMMETRIC)
    expect(changes).to.equal(2)
  })

  it('is asked for as soon as a server is known', async () => {
    servers = []
    await started(CONE)
    await pass(20_000)
    expect(asked).to.deep.equal([])
    servers = SERVERS
    await pass(5_000)
    expect(watch.nat).to.deep.equal(CONE)
  })

  it('stands while servers do not answer or do not tell, and these are asked again after a minute', async () => {
    await started(CONE, new Error('no network'), undefined, SYMMETRIC)
    await pass(600_000)
    await pass(60_000)
    expect(watch.nat).to.deep.equal(CONE)
    await pass(60_000)
    expect(watch.nat).to.deep.equal(SYMMETRIC)
  })

  it('is asked for at once when addresses have changed, and no more than every ten seconds', async () => {
    await started(CONE, SYMMETRIC, CONE, CONE)
    await pass(60_000)
    watch.onAddressesChanged()
    await pass(1_000)
    expect(watch.nat).to.deep.equal(SYMMETRIC)
    for (let i = 0; i < 12; i++) {
      watch.onAddressesChanged()
      await pass(1_000)
    }
    expect(asked).to.have.length(3)
  })

  it('is asked for no more after the stop', async () => {
    await started(CONE)
    watch.stop()
    watch.onAddressesChanged()
    await pass(700_000)
    expect(asked).to.have.length(1)
  })

  it('has its mapping before its filtering, and is settled then', async () => {
    const { filtering, ...mapped } = CONE
    let settled = false
    watch = new NatWatch({
      servers: () => servers,
      ask: async (_servers, _signal, onMapped) => {
        tellMapped = onMapped
        return await new Promise(() => {})
      },
      onChange: () => { changes++ },
      clock
    })
    void watch.settled.then(() => { settled = true })
    await started()
    expect(settled).to.equal(false)
    tellMapped(mapped)
    await pass(1_000)
    expect([watch.nat, settled, changes, filtering]).to.deep.equal([mapped, true, 1, 'port'])
  })

  it('keeps the filtering that was known while a mapping is as before', async () => {
    await started(CONE)
    const { filtering, ...mapped } = CONE
    tellMapped(mapped)
    expect([watch.nat?.filtering, changes]).to.deep.equal([filtering, 1])
    tellMapped(SYMMETRIC)
    expect([watch.nat, changes]).to.deep.equal([SYMMETRIC, 2])
  })

  it('is settled after a while without servers, and when the peer stops', async () => {
    servers = []
    await started()
    await pass(2_000)
    await watch.settled
    const other = new NatWatch({ servers: () => [], ask: async () => undefined, onChange: () => {}, clock })
    other.stop()
    await other.settled
  })
})
