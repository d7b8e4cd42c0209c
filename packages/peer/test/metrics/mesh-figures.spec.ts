/** Figures of the mesh's services, as metrics. */
import { Neighbourhood } from '@skein/clusters'
import { SeededRandom } from '@skein/core'
import { PeerExchange } from '@skein/pex'
import { newPortMappingCounters } from '@skein/reachability/port-mapping'
import { expect } from 'chai'
import { MESH_METRICS, meshFigures } from '../../src/index.ts'
import { newGossipCounters } from '../../src/gossip/gossip-counters.ts'
import { figureSource } from '../../src/metrics/figure-source.ts'
import type { MeshServices } from '../../src/index.ts'
import type { MappedPorts } from '../../src/paths/mapped-port.ts'

type Known = Required<Pick<MeshServices, 'routing' | 'pex' | 'gossip' | 'clusters' | 'coordinates'>>

function services (): Known {
  const pex = new PeerExchange({ self: 'me' }, new SeededRandom(1), 0)
  const neighbourhood = new Neighbourhood({ region: 'eu' }, new SeededRandom(1), 0)
  return {
    routing: {
      counters: {
        lookups_total: 3,
        requests_total: 0,
        request_failures_total: 0,
        requests_answered_total: 0,
        requests_refused_for_load_total: 0,
        offers_stored_total: 0,
        offers_found_total: 0,
        streams_opened_total: 0,
        dials_total: 0,
        protocol_errors_total: 0,
        stores_refused_total: { full: 2, expired: 1 },
        offers_rejected_total: {},
        table_refusals_total: {}
      },
      gauges: () => ({ heldKeys: 5, heldBytes: 900, links: 1, streams: 2, contacts: 8 })
    },
    pex: { counters: pex.counters, view: pex.view, inDegreeEstimate: 42 },
    gossip: { counters: newGossipCounters(), neighbours: [], topicNames: ['/skein/cluster/1/eu/all/'] },
    clusters: { counters: { messages_sent_total: 4 } as unknown as Known['clusters']['counters'], scope: 'eu/all/', members: 300, held: ['eu/all/', 'eu'] },
    coordinates: {
      counters: neighbourhood.counters, coordinate: neighbourhood.coordinate, neighbours: 7, streams: 9, zone: 'all'
    }
  }
}

const valueOf = (from: MeshServices, name: string): unknown => meshFigures(from).filter(figure => figure.name === name).map(({ labels, value }) => [labels, value])

describe('meshFigures', () => {
  it('tells how many mapped ports others come in at', () => {
    const port = { address: '/ip4/45.1.7.2/tcp/7311', protocol: 'pcp', internalPort: 7311, isConfirmed: true } as const
    const portMapping: MappedPorts = {
      status: { state: 'open', why: '', ports: [port, { ...port, isConfirmed: false }, port] },
      counters: { ...newPortMappingCounters(), mapped_total: 3, dial_backs_total: { reached: 2, failed: 0, unknown: 1 } }
    }
    expect(valueOf({ portMapping }, 'skein_port_mapping_ports')).to.deep.equal([[{ state: 'open' }, 2], [{ state: 'unconfirmed' }, 1]])
    expect(valueOf({ portMapping }, 'skein_port_mapping_mapped_total')).to.deep.equal([[undefined, 3]])
  })

  it('tells what the services count now', () => {
    const all = services()
    expect(valueOf(all, 'skein_routing_lookups_total')).to.deep.equal([[undefined, 3]])
    expect(valueOf(all, 'skein_routing_stores_refused_total')).to.deep.equal([[{ reason: 'full' }, 2], [{ reason: 'expired' }, 1]])
    expect(valueOf(all, 'skein_routing_held_bytes')).to.deep.equal([[undefined, 900]])
    expect(valueOf(all, 'skein_pex_view_records')).to.deep.equal([[undefined, 0]])
    expect(valueOf(all, 'skein_pex_in_degree_estimate')).to.deep.equal([[undefined, 42]])
    expect(valueOf(all, 'skein_coordinates_zone')).to.deep.equal([[{ zone: 'all' }, 1]])
    expect(valueOf(all, 'skein_gossip_topics')).to.deep.equal([[undefined, 1]])
    expect(valueOf(all, 'skein_cluster_members')).to.deep.equal([[{ scope: 'eu/all/' }, 300]])
    expect(valueOf(all, 'skein_cluster_held')).to.deep.equal([[undefined, 2]])
    expect(valueOf(all, 'skein_cluster_messages_sent_total')).to.deep.equal([[undefined, 4]])
    expect(valueOf({ clusters: { ...all.clusters, scope: undefined } }, 'skein_cluster_members')).to.deep.equal([])
    expect(valueOf(all, 'skein_pex_asks_total')).to.deep.equal([[undefined, 0]])
  })

  it('has every figure that the services have, and none that was not declared', () => {
    const all = services()
    const kept = (prefix: string, counters: object): string[] => Object.keys(counters).map(name => prefix + name)
    const names = new Set(MESH_METRICS.map(({ name }) => name))
    expect([...names]).to.include.members([
      ...kept('skein_routing_', all.routing.counters), ...kept('skein_pex_', all.pex.counters), ...kept('skein_gossip_', all.gossip.counters),
      ...kept('skein_coordinates_', all.coordinates.counters)
    ])
    expect(meshFigures(all).filter(({ name }) => !names.has(name))).to.deep.equal([])
    expect(names.size).to.equal(MESH_METRICS.length)
  })

  it('tells nothing of services that are turned off', () => {
    expect(meshFigures({})).to.deep.equal([])
    expect(meshFigures({ pex: services().pex }).every(({ name }) => name.startsWith('skein_pex_'))).to.equal(true)
    expect(valueOf({ pex: { ...services().pex, inDegreeEstimate: undefined } }, 'skein_pex_in_degree_estimate')).to.deep.equal([])
  })

  it('names them as Prometheus wants it, and says of each what it is', () => {
    for (const { name, help, type, labels } of MESH_METRICS) {
      expect(name).to.match(/^skein_[a-z]+_[a-z_]+$/)
      expect(type).to.equal(name.endsWith('_total') ? 'counter' : 'gauge')
      expect(help.length, name).to.be.above(10)
      expect(['none', ...labels].join('')).to.match(/^[a-z]+$/)
    }
  })

  it('tells several things by which a figure differs', () => {
    const paths = {
      counters: { bytes_total: { direct: 5, punched: 7, bonded: 0, relayed: 9 }, changes_total: { 'relayed punched': 2 }, tries_total: {}, tries_worked_total: {}, refused_total: 0 },
      budget: { bytes: { direct: 0, punched: 0, bonded: 0, relayed: 9 }, share: 1, spent: true }
    }
    expect(valueOf({ paths }, 'skein_path_changes_total')).to.deep.equal([[{ from: 'relayed', to: 'punched' }, 2]])
    expect(valueOf({ paths }, 'skein_path_bytes_total')).to.deep.include([{ path: 'relayed' }, 9])
    expect(valueOf({ paths }, 'skein_path_relay_budget_spent')).to.deep.equal([[undefined, 1]])
  })

  it('shows 64 values of a figure at most', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`reason${i}`, i]))
    const source = figureSource('x_', () => ({ refused_total: many }), { refused_total: ['reason', 'Refused, by reason'] })
    expect(source.read({})).to.have.length(64)
  })
})
