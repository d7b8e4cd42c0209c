import { ManualClock } from '@skein/core'
import { expect } from 'chai'
import { MappedCandidates } from '../src/node/mapped-candidates.ts'
import type { RouterMapping } from '@skein/reachability/port-mapping'

const MAPPING: RouterMapping = {
  protocol: 'pcp', router: '192.168.1.1', internalAddress: '192.168.1.2', internalPort: 7311, externalAddress: '45.1.7.2', externalPort: 50_000,
  lifetimeMs: 3_600_000
}
const ADDRESS = '/ip4/45.1.7.2/tcp/50000'

describe('addresses of mapped ports', () => {
  let clock: ManualClock
  let candidates: MappedCandidates
  let asked: string[][]
  let told: string[]
  /** What each verifier says of every address; undefined: nobody can be asked */
  let said: string[] | undefined

  beforeEach(() => {
    clock = new ManualClock(1_000_000)
    asked = []
    told = []
    said = []
    candidates = new MappedCandidates({
      ask: async addresses => {
        asked.push([...addresses])
        if (said === undefined) {
          throw new Error('nobody can be asked')
        }
        return addresses.map(address => ({
          address, byVerifier: (said as string[]).map((word, i) => ({ verifier: `v${i}`, network: { small: '', wide: '' }, said: word }))
        }))
      },
      onOpen: ({ port }) => { told.push(`open ${port.address}`) },
      onClosed: ({ port }) => { told.push(`closed ${port.address}`) },
      onChange: ({ isConfirmed }) => { told.push(String(isConfirmed)) },
      clock
    })
  })

  afterEach(() => { candidates.stop() })

  /** Time passes, and what was asked is answered. */
  async function pass (ms: number): Promise<void> {
    clock.advance(ms)
    for (let i = 0; i < 20; i++) {
      await Promise.resolve()
    }
  }

  it('are told to nobody until one who was asked came in there', async () => {
    candidates.add(MAPPING, '')
    expect(candidates.ports).to.deep.equal([{ address: ADDRESS, protocol: 'pcp', internalPort: 7311, isConfirmed: false }])
    said = ['not_here', 'reached', 'failed']
    await pass(0)
    expect(asked).to.deep.equal([[ADDRESS]])
    expect(told).to.deep.equal([`open ${ADDRESS}`, 'true'])
    expect(candidates.counters).to.deep.equal({ reached: 1, failed: 0, unknown: 0 })
  })

  for (const words of [['failed', 'failed'], ['unheard'], ['busy', 'limited'], [], undefined]) {
    it(`are kept back when others say: ${words?.join(', ') ?? 'nothing'}; and asked about again, less and less often`, async () => {
      said = words
      candidates.add(MAPPING, '')
      await pass(0)
      const times: number[] = []
      let before = 1
      for (let s = 20; s <= 2_000; s += 20) {
        await pass(20_000)
        if (asked.length > before) {
          times.push(s)
          before = asked.length
        }
      }
      expect(told).to.deep.equal([])
      expect(times.slice(0, 5)).to.deep.equal([20, 60, 140, 300, 620])
      expect(times[6] as number - (times[5] as number)).to.equal(600)
    })
  }

  it('are taken back when nobody comes in there any more, and when the router gives them up', async () => {
    said = ['reached']
    candidates.add(MAPPING, '')
    await pass(0)
    said = ['failed', 'failed']
    await pass(600_000)
    expect(told.slice(2)).to.deep.equal([`closed ${ADDRESS}`, 'false'])
    said = ['reached']
    await pass(20_000)
    candidates.remove(MAPPING)
    expect(told.slice(4)).to.deep.equal([`open ${ADDRESS}`, 'true', `closed ${ADDRESS}`, 'false'])
    expect(candidates.ports).to.deep.equal([])
    const before = asked.length
    await pass(3_600_000)
    expect(asked.length).to.equal(before)
  })

  it('stay as they are while nobody can be asked', async () => {
    said = ['reached']
    candidates.add(MAPPING, '/ws')
    await pass(0)
    expect(told).to.deep.equal([`open ${ADDRESS}/ws`, 'true'])
    said = undefined
    await pass(600_000)
    said = ['busy']
    await pass(600_000)
    expect(told).to.have.lengthOf(2)
  })
})
