/** What the services of the mesh count, as a scrape shows it. */
import { MESH_METRICS } from '@skein/peer'
import { expect } from 'chai'
import { Registry } from 'prom-client'
import { collectMeshFigures } from '../../src/node/index.ts'
import type { MeshServices } from '@skein/peer'

type Counters = NonNullable<MeshServices['pex']>['counters']

function pexWith (asks: number, malformed: number): NonNullable<MeshServices['pex']> {
  return { counters: { asks_total: asks, offences_total: { malformed } } as unknown as Counters, view: { size: 12 }, inDegreeEstimate: undefined }
}

describe('the figures of the mesh in a scrape', () => {
  it('all have their help and type, also when their services are turned off', async () => {
    const registry = new Registry()
    collectMeshFigures(registry, () => ({}))
    const text = await registry.metrics()
    for (const { name, help, type } of MESH_METRICS) {
      expect(text).to.include(`# HELP ${name} ${help}\n`)
      expect(text).to.include(`# TYPE ${name} ${type}\n`)
    }
    expect(text.split('\n').filter(line => line.startsWith('skein_'))).to.deep.equal([])
  })

  it('are read at each scrape, and vanish with their service', async () => {
    const registry = new Registry()
    let services: MeshServices = { pex: pexWith(1, 5) }
    collectMeshFigures(registry, () => services)
    expect(await registry.metrics()).to.include('skein_pex_asks_total 1\n').and.include('skein_pex_offences_total{reason="malformed"} 5\n')
      .and.include('skein_pex_view_records 12\n').and.not.match(/^skein_pex_in_degree_estimate /m)
    services = { pex: pexWith(4, 6) }
    expect(await registry.metrics()).to.include('skein_pex_asks_total 4\n').and.include('skein_pex_offences_total{reason="malformed"} 6\n')
    services = {}
    expect(await registry.metrics()).to.not.include('skein_pex_view_records 12').and.not.include('reason="malformed"')
  })
})
