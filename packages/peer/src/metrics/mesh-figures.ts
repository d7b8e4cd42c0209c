/** What a node's services of the mesh count, for metrics: one source for each service, read at each scrape. */
import { figureSource } from './figure-source.ts'
import type { ClusterService, CoordinatesService, OverlayService } from '@skein/clusters/libp2p'
import type { OutboundConnections, PeerExchangeService } from '@skein/pex/libp2p'
import type { BudgetState } from '@skein/reachability'
import type { ReceiptService } from '@skein/reputation/libp2p'
import type { ModelRouting } from '@skein/routing/libp2p'
import type { SuperNodeClient } from '@skein/supernode/libp2p'
import type { GossipTopics } from '../gossip/gossip-topics.ts'
import type { MappedPorts } from '../paths/mapped-port.ts'
import type { PeerPaths } from '../paths/peer-paths.ts'
import type { PeerReceipts } from '../trust/peer-receipts.ts'
import type { FigureSource, MeshFigure, MeshMetric } from './figure-source.ts'

/** The services that have figures; each may be absent, as it can be turned off. */
export interface MeshServices {
  routing?: Pick<ModelRouting, 'counters' | 'gauges'>
  pex?: Pick<PeerExchangeService, 'counters' | 'inDegreeEstimate'> & { view: { size: number } }
  outbound?: Pick<OutboundConnections, 'counters' | 'reserved'> & { tables: { size: number } }
  gossip?: Pick<GossipTopics, 'counters' | 'neighbours' | 'topicNames'>
  clusters?: Pick<ClusterService, 'counters' | 'scope' | 'members' | 'held'>
  overlays?: Pick<OverlayService, 'counters' | 'gauges'>
  superNodes?: Pick<SuperNodeClient, 'counters' | 'gauges'>
  coordinates?: Pick<CoordinatesService, 'counters' | 'coordinate' | 'neighbours' | 'streams' | 'zone'>
  receipts?: Pick<ReceiptService, 'counters'>
  paths?: Pick<PeerPaths, 'counters' | 'budget'> & Partial<Pick<PeerPaths, 'webrtcCounters'>>
  portMapping?: MappedPorts
  dealings?: Pick<PeerReceipts, 'counters' | 'waiting'>
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
    offers_rejected_total: ['reason', 'Offers in answers that were not believed, by reason'],
    table_refusals_total: ['reason', 'Peers kept out of the routing table because of those of their network in it, by reason']
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
    refused_busy_total: 'Streams that were reset, as too many messages were being read, or one of the same peer was',
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
  figureSource('skein_outbound_', ({ outbound }: MeshServices) => outbound?.counters, {
    dials_total: 'Peers dialled from the address book, to have connections of this node\'s own choice',
    dials_failed_total: 'Such peers that did not answer',
    feelers_total: 'Peers dialled only to see whether they are there',
    feelers_failed_total: 'Such peers that did not answer',
    learned_total: 'Addresses that others told of and for which the address book had a place, or knew already',
    crowded_total: 'Addresses that others told of and for which it had none'
  }),
  figureSource('skein_outbound_', ({ outbound }: MeshServices) => outbound && { reserved: outbound.reserved.length, known: outbound.tables.size }, {
    reserved: 'Connections of this node\'s own choice',
    known: 'Peers in the address book'
  }),
  figureSource('skein_gossip_', ({ gossip }: MeshServices) => gossip?.counters, {
    published_total: 'Messages published',
    published_bytes_total: 'Bytes sent when publishing, to all recipients together',
    received_bytes_total: 'Bytes received of joined topics, duplicates included',
    messages_accepted_total: 'Messages of others that were accepted',
    messages_ignored_total: 'Messages that were of no use, by the rule of their topic',
    messages_rejected_total: 'Messages that no honest peer sends, by the rule of their topic',
    publisher_over_rate_total: 'Messages beyond what one publisher may send',
    messages_over_rate_total: 'Messages beyond what one neighbour may send',
    messages_oversize_total: 'Messages that are too large, or have fields that nobody writes',
    messages_unjoined_total: 'Messages of topics that this node has not joined',
    rpcs_dropped_total: 'RPCs of neighbours that send too many',
    px_unsigned_total: 'Peers that a neighbour told of without a signed record',
    streams_reopened_total: 'Streams to neighbours that were lost and opened again',
    handler_errors_total: 'Errors in what was to be done with a message'
  }),
  figureSource('skein_gossip_', ({ gossip }: MeshServices) => gossip && { mesh_peers: gossip.neighbours.length, topics: gossip.topicNames.length }, {
    mesh_peers: 'Peers in the meshes of all topics',
    topics: 'Topics joined'
  }),
  figureSource('skein_cluster_', ({ clusters }: MeshServices) => clusters?.counters, {
    messages_sent_total: 'Messages sent over streams, questions among them',
    messages_received_total: 'Messages received over streams',
    sends_failed_total: 'Peers that could not be dialled, or did not take a message or answer it in time',
    sends_dropped_total: 'Messages not sent, as too many were under way',
    sent_bytes_total: 'Bytes of messages sent over streams',
    received_bytes_total: 'Bytes of messages received over streams',
    notices_published_total: 'Notices published in topics',
    notices_received_total: 'Notices of others',
    notices_refused_total: 'Notices of others that were refused',
    streams_refused_total: 'Streams reset, as their peer opened too many',
    questions_total: 'Questions where there is capacity for a model',
    questions_failed_total: 'Such questions that were not answered',
    offences_total: 'What peers did wrong'
  }),
  figureSource('skein_cluster_', ({ clusters }: MeshServices) => clusters && clusterGauges(clusters), {
    members: ['scope', 'Peers of the cluster that this one knows, itself included'],
    held: 'Parts of the network that this peer coordinates'
  }),
  figureSource('skein_', ({ overlays }: MeshServices) => overlays?.counters, {
    overlay_joins_total: 'Topics of models that were joined',
    overlay_leaves_total: 'Topics of models that were left',
    overlay_offers_told_total: 'Own offers told in topics of models',
    overlay_offers_deferred_total: 'Own offers that waited, as enough was said',
    overlay_offers_heard_total: 'Offers of others that were news',
    overlay_offers_ignored_total: 'Offers of others that were not, or came too soon or from too many',
    overlay_offers_rejected_total: 'Messages in topics of models that no honest peer sends',
    overlay_counts_total: 'Lookups made only to count providers',
    overlay_dials_total: 'Providers dialled, as too few of a topic were connected'
  }),
  figureSource('skein_overlay_', ({ overlays }: MeshServices) => overlays?.gauges(), {
    topics: 'Topics of models that this peer is in',
    offers: 'Offers of others that were heard there and are kept'
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
  }),
  figureSource('skein_receipts_', ({ receipts }: MeshServices) => receipts?.counters, {
    offered_total: 'Receipts of what this peer was served that were offered to who served it',
    offers_refused_total: ['reason', 'Such receipts that stayed one-sided, by reason'],
    signed_total: 'Receipts of what this peer served that it signed too',
    refused_total: ['reason', 'Receipts and questions of others that it refused, by reason'],
    asked_total: 'Peers asked for the receipts of what others did for them',
    questions_refused_total: ['reason', 'Such peers that did not tell, by reason'],
    told_total: 'Receipts told to others who asked',
    received_bytes_total: 'Bytes of messages received',
    sent_bytes_total: 'Bytes of messages sent',
    offences_total: ['reason', 'What peers did wrong, by reason']
  }),
  figureSource('skein_receipts_', ({ dealings }: MeshServices) => dealings && { ...dealings.counters, waiting: dealings.waiting }, {
    deliveries_total: 'Receipts made of what this peer was served',
    unoffered_total: 'Such receipts that were offered to nobody, as too many waited or this peer stopped',
    heard_total: ['verdict', 'Receipts that others told of, by what they counted for'],
    waiting: 'Receipts that wait for their offer or its answer'
  }),
  figureSource('skein_super_node_client_', ({ superNodes }: MeshServices) => superNodes?.counters, {
    rounds_total: 'Times that electors were asked who holds seats',
    rounds_fruitful_total: 'Such times that brought leases which most of their networks name',
    questions_total: 'Electors asked',
    questions_failed_total: 'Electors that could not be reached, or had no answer',
    attempts_total: 'Super-nodes that were tried',
    attempts_failed_total: 'Super-nodes that could not be reached, or refused',
    lost_total: 'Super-nodes in use that closed, gave the reservation up or did not answer',
    moves_total: 'Times that another super-node became the one to use first'
  }),
  figureSource('skein_super_node_client_', ({ superNodes }: MeshServices) => superNodes?.gauges(), {
    leases: 'Leases of super-nodes that are believed now',
    used: 'Super-nodes that are used now',
    reserved: 'Super-nodes through which this peer can be reached now'
  }),
  figureSource('skein_path_', ({ paths }: MeshServices) => paths?.counters, {
    bytes_total: ['path', 'Bytes of answers to this peer and from it, by the path they took'],
    changes_total: ['from to', 'Times that the path to a peer became another one; none is not connected'],
    tries_total: ['way', 'Ways to a better path that were tried while a relay carried'],
    tries_worked_total: ['way', 'Such ways that worked'],
    refused_total: 'Streams of others for a punch, a dial or what this peer can do that were reset, as they came too often'
  }),
  figureSource('skein_path_', ({ paths }: MeshServices) => paths && budgetGauges(paths.budget), {
    relayed_ratio: 'Share of the bytes of answers to this peer that came through relays, in the window of its budget for them',
    relay_budget_spent: '1 while relayed providers are passed over, as enough has come through relays'
  }),
  figureSource('skein_webrtc_', ({ paths }: MeshServices) => paths?.webrtcCounters, {
    offers_sent_total: 'Offers of a data channel sent to others',
    offers_received_total: 'Such offers of others',
    connected_total: 'Data channels that became connections, whoever offered',
    refused_total: 'Offers of others that were not looked at, as they came too often or too many were under way'
  }),
  figureSource('skein_port_mapping_', ({ portMapping }: MeshServices) => portMapping?.counters, {
    asked_total: 'Times that the router was asked to map a port, or to renew that',
    mapped_total: 'Such times that it did',
    failures_total: ['reason', 'Such times that it did not, by reason'],
    forgotten_total: 'Times that the router had lost its table of mappings',
    changes_total: 'Times that a mapped port came to another address or port outside',
    dial_backs_total: ['result', 'Times that others were asked to dial a mapped port, by what came of it']
  }),
  figureSource('skein_port_mapping_', ({ portMapping }: MeshServices) => portMapping && mappingGauges(portMapping), {
    ports: ['state', 'Ports that the router maps: open when somebody came in there and others are told of it, unconfirmed until then']
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

function clusterGauges ({ scope, members, held }: NonNullable<MeshServices['clusters']>): { members: Record<string, number>, held: number } {
  return { members: scope === undefined ? {} : { [scope]: members }, held: held.length }
}

function coordinatesGauges ({ coordinate, neighbours, streams, zone }: NonNullable<MeshServices['coordinates']>): {
  neighbours: number, streams: number, error_ratio: number, zone: Record<string, number>
} {
  return { neighbours, streams, error_ratio: coordinate.error, zone: { [zone]: 1 } }
}

function mappingGauges ({ status: { ports } }: MappedPorts): { ports: Record<'open' | 'unconfirmed', number> } {
  const open = ports.filter(({ isConfirmed }) => isConfirmed).length
  return { ports: { open, unconfirmed: ports.length - open } }
}

function budgetGauges ({ share, spent }: BudgetState): { relayed_ratio: number, relay_budget_spent: number } {
  return { relayed_ratio: share, relay_budget_spent: spent ? 1 : 0 }
}
