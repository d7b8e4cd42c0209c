import { expect } from 'chai'
import { PortMapper } from '../../src/port-mapping/port-mapper.ts'
import type { PortMapperEffect } from '../../src/port-mapping/port-mapper.ts'
import type { MappingProblem, RouterMapping } from '../../src/port-mapping/router-mapping.ts'

const HOUR_MS = 3_600_000
const LOOK_MS = 30_000

function mappingOf (port: number, changes: Partial<RouterMapping> = {}): RouterMapping {
  return {
    protocol: 'pcp', router: '192.168.1.1', internalAddress: '192.168.1.2', internalPort: port, externalAddress: '45.1.7.2', externalPort: port,
    lifetimeMs: HOUR_MS, ...changes
  }
}

describe('PortMapper', () => {
  let mapper: PortMapper
  let nowMs: number

  beforeEach(() => {
    mapper = new PortMapper()
    nowMs = 1_000
  })

  function drain (): PortMapperEffect[] {
    const effects: PortMapperEffect[] = []
    for (let effect = mapper.poll(); effect !== undefined; effect = mapper.poll()) {
      effects.push(effect)
    }
    return effects
  }

  const types = (): string[] => drain().map(({ type }) => type)

  /** To the next thing that the machine wants to be woken for. */
  function wake (): number {
    nowMs = mapper.nextTimeoutMs() as number
    mapper.onTimeout(nowMs)
    return nowMs
  }

  function map (port: number, changes: Partial<RouterMapping> = {}): RouterMapping {
    const mapping = mappingOf(port, changes)
    mapper.setPorts([port], nowMs)
    mapper.onMapped(port, mapping, nowMs)
    drain()
    return mapping
  }

  it('asks for each port that is listened at, once, and says when it is open', () => {
    mapper.setPorts([7311, 8080], nowMs)
    mapper.setPorts([7311, 8080], nowMs)
    expect(drain()).to.deep.equal([{ type: 'map', port: 7311, externalPort: 7311 }, { type: 'map', port: 8080, externalPort: 8080 }])
    const mapping = mappingOf(7311, { externalPort: 50_000 })
    mapper.onMapped(7311, mapping, nowMs)
    expect(drain()).to.deep.equal([{ type: 'opened', mapping }])
    expect(mapper.mappings).to.deep.equal([mapping])
  })

  it('maps four ports and no more', () => {
    mapper.setPorts([1, 2, 3, 4, 5], nowMs)
    expect(drain()).to.have.lengthOf(4)
  })

  it('renews after half of the life that the router gave, asking for the port that it gave, and says nothing when all is as before', () => {
    const mapping = map(7311, { externalPort: 50_000, lifetimeMs: 600_000 })
    const startMs = nowMs
    while (wake() < startMs + 300_000) {
      expect(types()).to.deep.equal(['look'])
      mapper.onSight({}, nowMs)
    }
    expect(nowMs).to.equal(startMs + 300_000)
    expect(drain()).to.deep.include({ type: 'map', port: 7311, externalPort: 50_000 })
    mapper.onMapped(7311, mapping, nowMs)
    expect(types()).to.deep.equal([])
  })

  it('renews a mapping without a life all the same', () => {
    map(7311, { lifetimeMs: undefined })
    const startMs = nowMs
    mapper.onTimeout(startMs + 1_800_000)
    expect(types()).to.include('map')
  })

  it('tells when the router gives another address or port', () => {
    const before = map(7311)
    mapper.onSight({ externalAddress: '45.2.7.2' }, nowMs)
    expect(types()).to.deep.equal(['map'])
    const after = mappingOf(7311, { externalAddress: '45.2.7.2' })
    mapper.onMapped(7311, after, nowMs)
    expect(drain()).to.deep.equal([{ type: 'closed', mapping: before }, { type: 'opened', mapping: after }])
    expect(mapper.counters.changes_total).to.equal(1)
  })

  it('looks every 30 s, and asks again at once when the router has forgotten: by its epoch, or by the entry that is gone', () => {
    const mapping = map(7311, { epochS: 5_000 })
    expect(wake()).to.equal(1_000 + LOOK_MS)
    expect(drain()).to.deep.equal([{ type: 'look', mapping }])
    mapper.onSight({ epochS: 5_030 }, nowMs)
    expect(types()).to.deep.equal([])
    wake()
    drain()
    mapper.onSight({ epochS: 3 }, nowMs)
    expect(types()).to.deep.equal(['map'])
    mapper.onMapped(7311, { ...mapping, epochS: 3 }, nowMs)
    expect(types()).to.deep.equal([]) // it is open as before
    wake()
    drain()
    mapper.onSight({ isMapped: false }, nowMs)
    expect(types()).to.deep.equal(['map'])
    expect(mapper.counters.forgotten_total).to.equal(2)
  })

  it('learns from the answer about one port that the others are forgotten too', () => {
    mapper.setPorts([1, 2], nowMs)
    mapper.onMapped(1, mappingOf(1, { epochS: 900 }), nowMs)
    mapper.onMapped(2, mappingOf(2, { epochS: 900, lifetimeMs: HOUR_MS / 2 }), nowMs)
    drain()
    nowMs += HOUR_MS / 4
    mapper.onTimeout(nowMs)
    expect(drain().filter(({ type }) => type === 'map')).to.deep.equal([{ type: 'map', port: 2, externalPort: 2 }])
    mapper.onMapped(2, mappingOf(2, { epochS: 1 }), nowMs)
    mapper.onTimeout(nowMs)
    expect(drain()).to.deep.include({ type: 'map', port: 1, externalPort: 1 })
  })

  it('asks to map again when three looks stay unanswered', () => {
    map(7311)
    for (let i = 0; i < 3; i++) {
      wake()
      expect(types()).to.deep.equal(['look'])
      mapper.onNotSeen(nowMs)
    }
    expect(types()).to.deep.equal(['map'])
  })

  it('tries again after 10 s, then twice as long each time, 15 min at most', () => {
    mapper.setPorts([7311], nowMs)
    const waits: number[] = []
    for (let i = 0; i < 9; i++) {
      drain()
      mapper.onFailed(7311, 'silent', nowMs)
      const failedMs = nowMs
      waits.push((wake() - failedMs) / 1_000)
    }
    expect(waits).to.deep.equal([10, 20, 40, 80, 160, 320, 640, 900, 900])
    expect(mapper.problem).to.equal('silent')
  })

  it('keeps what is open while a renewal fails, asks again before it ends, and closes it when it does', () => {
    const mapping = map(7311, { lifetimeMs: 200_000 })
    nowMs += 100_000
    mapper.onTimeout(nowMs)
    drain()
    let asked = 0
    for (;;) {
      mapper.onFailed(7311, 'silent', nowMs)
      wake()
      const effects = drain()
      asked += effects.filter(({ type }) => type === 'map').length
      if (effects.some(({ type }) => type === 'closed')) {
        expect(effects).to.deep.include({ type: 'closed', mapping })
        break
      }
      while (!effects.some(({ type }) => type === 'map')) {
        mapper.onSight({}, nowMs)
        wake()
        effects.push(...drain())
      }
    }
    expect(nowMs).to.be.within(1_000 + 200_000, 1_000 + 230_000)
    expect(asked).to.be.above(1)
    expect(mapper.mappings).to.deep.equal([])
  })

  const useless: Array<[address: string, problem: MappingProblem]> = [
    ['100.64.0.2', 'double_nat'], ['192.168.0.20', 'double_nat'], ['10.1.2.3', 'double_nat'], ['0.0.0.0', 'no_external_address']
  ]
  for (const [externalAddress, problem] of useless) {
    it(`gives a mapping back that leads in from ${externalAddress}: ${problem}; and asks seldom then`, () => {
      mapper.setPorts([7311], nowMs)
      drain()
      mapper.onMapped(7311, mappingOf(7311, { externalAddress }), nowMs)
      expect(types()).to.deep.equal(['unmap'])
      expect(mapper.problem).to.equal(problem)
      expect(mapper.mappings).to.deep.equal([])
      expect(mapper.nextTimeoutMs()).to.equal(nowMs + 1_800_000)
    })
  }

  it('takes away what is not wanted any more, also what is mapped too late', () => {
    const mapping = map(7311)
    mapper.setPorts([8080], nowMs)
    expect(types()).to.deep.equal(['closed', 'unmap', 'map'])
    mapper.setPorts([], nowMs)
    mapper.onMapped(8080, mappingOf(8080), nowMs)
    expect(drain()).to.deep.equal([{ type: 'unmap', mapping: mappingOf(8080) }])
    expect(mapping.internalPort).to.equal(7311)
    mapper.onTimeout(nowMs + HOUR_MS)
    expect(mapper.nextTimeoutMs()).to.equal(undefined)
  })

  it('begins anew in another network', () => {
    const mapping = map(7311, { epochS: 100_000 })
    mapper.onNetworkChanged(nowMs)
    expect(drain()).to.deep.equal([{ type: 'closed', mapping }, { type: 'map', port: 7311, externalPort: 7311 }])
    const there = mappingOf(7311, { router: '10.0.0.1', internalAddress: '10.0.0.7', externalAddress: '45.3.7.2', epochS: 7 })
    mapper.onMapped(7311, there, nowMs)
    expect(drain()).to.deep.equal([{ type: 'opened', mapping: there }]) // another router's epoch is no sign of a restart
    expect(mapper.counters.forgotten_total).to.equal(0)
  })
})
