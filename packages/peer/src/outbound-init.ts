/** How a peer finds others without a seed: options, and the parts that come of them. */
import { DialLimits, KeptAddressTables } from '@skein/pex'
import { OutboundConnections } from '@skein/pex/libp2p'
import type { AddressTablesStore, DialLimitsInit, PeerExchangeInit } from '@skein/pex'
import type { PeerExchangeService, PeerExchangeServiceInit } from '@skein/pex/libp2p'
import type { Libp2p } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'

export interface PexOptions extends Pick<PeerExchangeInit, 'viewSize' | 'roundMs' | 'fillMs' | 'answersPerMinute'> {
  /**
   * Whether connections of this peer's own choice are kept, feelers sent and others asked for records. Without, addresses are remembered all the
   * same, and dialled only until somebody is connected, and who asks for records is answered: for nodes that serve others, who come by themselves.
   *
   * @default true
   */
  keepOutbound?: boolean
  /**
   * Connections of its own choice, in as many /16s.
   *
   * @default 8
   */
  outbound?: number
  /**
   * Between two feelers, which find out whether an address that is only heard of leads to its peer, ms.
   *
   * @default 120_000
   */
  feelerMs?: number
  /**
   * Between two writes of the addresses to `dataDir`, ms.
   *
   * @default 30_000
   */
  saveMs?: number
  /** How often strangers are dialled */
  dials?: DialLimitsInit
}

/** What the parts of a peer that dial strangers share. */
export interface Acquaintance {
  /** As given; `undefined` when it was turned off */
  options: PexOptions | undefined
  dials: DialLimits
  /**
   * Of dials and punches for a better path, which the peer itself asked for over a relay: an account of their own, or the dials of those who are
   * gone, behind the same address, would leave them to the relay
   */
  pathDials: DialLimits
  /** Peers that messages are exchanged with in topics: a feeler that went to one leaves the connection */
  neighbours: ReadonlySet<string>
}

export function acquaintance (pex: false | PexOptions | undefined): Acquaintance {
  const options = pex === false ? undefined : pex ?? {}
  return { options, dials: new DialLimits(options?.dials), pathDials: new DialLimits(options?.dials), neighbours: new Set() }
}

export function exchangeInit ({ options, dials }: Acquaintance, clock: Clock, random: Random): PeerExchangeServiceInit | undefined {
  if (options === undefined) {
    return undefined
  }
  const { viewSize, roundMs, fillMs, answersPerMinute, keepOutbound } = options
  return { viewSize, roundMs, fillMs, answersPerMinute, asks: keepOutbound, dials, clock, random }
}

/** The addresses of earlier runs, and what makes connections from them; not started. */
export async function openOutbound (
  known: Acquaintance, libp2p: Libp2p<{ pex?: PeerExchangeService }>, store: AddressTablesStore | undefined, clock: Clock, random: Random
): Promise<{ kept: KeptAddressTables, outbound: OutboundConnections } | undefined> {
  const { options, dials } = known
  if (options === undefined) {
    return undefined
  }
  const log = libp2p.logger.forComponent('skein:outbound')
  const kept = await KeptAddressTables.open({
    store, clock, random, saveMs: options.saveMs, onFailure: error => { log.error('the addresses could not be saved: %s', error.message) }
  })
  const keeps = options.keepOutbound ?? true
  const outbound = new OutboundConnections({
    libp2p,
    kept,
    dials,
    exchange: libp2p.services.pex,
    isUsed: peer => known.neighbours.has(peer),
    rule: { outbound: options.outbound },
    feelerMs: keeps ? options.feelerMs : Infinity,
    onlyToJoin: !keeps,
    clock,
    random,
    log
  })
  return { kept, outbound }
}
