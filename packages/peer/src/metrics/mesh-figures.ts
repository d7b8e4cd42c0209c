/** What a node's services of the mesh count, for metrics: one source for each service, read at each scrape. */
import { figureSource } from './figure-source.ts'
import type { CoordinatesService } from '@skein/clusters/libp2p'
import type { PeerExchangeService } from '@skein/pex/libp2p'
import type { ModelRouting } from '@skein/routing/libp2p'
import type { FigureSource, MeshFigure, MeshMetric } from './figure-source.ts'

/** The services that have figures; each may be absent, as it can be turned off. */
export interface MeshServices {
  routing?: Pick<ModelRouting, 'counters' | 'gauges'>
  pex?: Pick<PeerExchangeService, 'counters' | 'inDegreeEstimate'> & { view: { size: number } }
  coordinates?: Pick<CoordinatesService, 'counters' | 'coordinate' | 'neighbours' | 'streams' | 'zone'>
}

const SOURCES: Array<FigureSource<MeshServices>> = [
  figureSource('skein_routing_', ({ routing }: MeshServices) => routing?.counters, {
    lookups_total: 'Lookups of models and of keys that were begun',
    requests_total: 'Requests sent to other peers',
    request_failures_total: 'Requests that were not answered',
    requests_answered_total: 'Requests of other peers that were answered',
    requests_refused_for_load_total: 'Requests of other peers that were refused, as they ask too often or too much is under way',
    offers_stored_total: 'Offers stored here for others',
    offers_found_total: 'Offers found in the network',
    streams_opened_total: 'Streams opened',
    dials_total: 'Peers dialled for a request',
    protocol_errors_total: 'Streams ended because of what came on them',
    stores_refused_total: ['reason', 'Offers that were not stored for others, by reason'],
    offers_rejected_total: ['reason', 'Offers in answers that were not believed, by reason']
  }),
  figureSource('skein_routing_', ({ routing }: MeshServices) => routing && routingGauges(routing), {
    held_keys: 'Keys under which offers are held for others',
    held_bytes: 'Bytes of the offers that are held for others',
    links: 'Peers that can be asked without opening a stream',
    streams: 'Streams open now',
    contacts: 'Peers known that route'
  }),
  figureSource('skein_pex_', ({ pex }: MeshServices) => pex?.counters, {
    asks_total: 'Questions sent',
    asks_failed_total: 'Questions that were not answered',
    asks_refused_total: 'Questions that were refused, to be asked again later',
    answers_total: 'Questions of other peers that were answered',
    refused_for_load_total: 'Questions of other peers that were refused, as too many came',
    records_received_total: 'Records of peers that were received',
    records_added_total: 'Records that came into the view',
    records_dropped_total: 'Records that went out of the view',
    records_crowded_total: 'Records that were not taken: of their source or their network, the view has its share',
    offences_total: ['reason', 'What peers did wrong, by reason']
  }),
  figureSource('skein_pex_', ({ pex }: MeshServices) => pex && { view_records: pex.view.size, in_degree_estimate: pex.inDegreeEstimate }, {
    view_records: 'Records of other peers in the view',
    in_degree_estimate: 'About in how many views this peer is; no value until there is an estimate'
  }),
  figureSource('skein_coordinates_', ({ coordinates }: MeshServices) => coordinates?.counters, {
    greetings_sent_total: 'Greetings sent',
    greetings_answered_total: 'Greetings that were answered',
    greetings_failed_total: 'Greetings that were not answered, or not soundly',
    greetings_received_total: 'Greetings of other peers',
    greetings_refused_total: 'Greetings of other peers that were not answered, as they ask too often or too many do',
    samples_total: ['result', 'Round trips over connections that are not relayed, by what came of them for the coordinate'],
    zone_changes_total: 'Changes of this peer\'s zone',
    offences_total: ['reason', 'What peers did wrong, by reason']
  }),
  figureSource('skein_coordinates_', ({ coordinates }: MeshServices) => coordinates && coordinatesGauges(coordinates), {
    neighbours: 'Connected peers that are greeted',
    streams: 'Streams kept for greeting and for being greeted',
    error_ratio: 'Relative error that this peer thinks its coordinate has',
    zone: ['zone', '1 for the zone in which this peer is']
  })
]

/** All figures that there may be, whether the services are there or not. */
export const MESH_METRICS: readonly MeshMetric[] = SOURCES.flatMap(({ metrics }) => metrics)

/** The figures of those services that are there, as they are now. */
export function meshFigures (services: MeshServices): MeshFigure[] {
  return SOURCES.flatMap(source => source.read(services))
}

function routingGauges (routing: Pick<ModelRouting, 'gauges'>): Record<'held_keys' | 'held_bytes' | 'links' | 'streams' | 'contacts', number> {
  const { heldKeys, heldBytes, ...rest } = routing.gauges()
  return { held_keys: heldKeys, held_bytes: heldBytes, ...rest }
}

function coordinatesGauges ({ coordinate, neighbours, streams, zone }: NonNullable<MeshServices['coordinates']>): {
  neighbours: number, streams: number, error_ratio: number, zone: Record<string, number>
} {
  return { neighbours, streams, error_ratio: coordinate.error, zone: { [zone]: 1 } }
}
