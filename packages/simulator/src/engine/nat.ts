/**
 * Which nodes can connect to which, and how: the classes of NAT and what was measured between them. Classes as in RFC 4787: how a NAT maps (the
 * same for all destinations or not) and whom it lets in.
 */
import { RandomStream } from './random-stream.ts'
import { Stream } from './streams.ts'
import { chooser } from './latency.ts'
import type { ConnectPlan } from './sim-network.ts'

/**
 * - `public`: no NAT, or a port mapped by UPnP, PCP or hand
 * - `endpoint-independent`: one mapping for all, and anybody may send to it
 * - `port-restricted`: one mapping for all, and only those may send to it who were sent to
 * - `symmetric-sequential`: a mapping for each destination, the next port
 * - `symmetric-random`: a mapping for each destination, any port
 * - `udp-blocked`: TCP out, and nothing else; its NAT maps endpoint-independently
 */
export const NAT_CLASSES = [
  'public', 'endpoint-independent', 'port-restricted', 'symmetric-sequential', 'symmetric-random', 'udp-blocked'
] as const
export type NatClass = typeof NAT_CLASSES[number]

export interface NatInit {
  seed: number
  nodes: number
  /** Classes and their weights */
  mix: Partial<Record<NatClass, number>>
  /**
   * Hole punching where both NATs map endpoint-independently.
   *
   * @default true
   */
  punching?: boolean
  /**
   * Guessing the next port of a sequential symmetric NAT.
   *
   * @default false
   */
  portPrediction?: boolean
  /**
   * 256 sockets against a random symmetric NAT ("birthday" probing).
   *
   * @default false
   */
  birthday?: boolean
  /**
   * TCP simultaneous open where UDP is blocked on one side or both.
   *
   * @default false
   */
  tcpOpen?: boolean
  /**
   * Share of pairs that can be punched in principle for which it works. In networks made for the purpose all do; over the Internet 70 % ± 7.1 % did
   * (D. Trautwein et al., "Challenging Tribal Knowledge: Large Scale Measurement Campaign on Decentralized NAT Traversal", 2025: 4.4 million
   * attempts), and a pair that fails once fails nearly always.
   *
   * @default 0.7
   */
  punchSuccess?: number
  /**
   * Of the punches that work, those that do with the first attempt.
   *
   * @default 0.976
   */
  firstAttempt?: number
  /**
   * Whether those that cannot reach each other have a relay.
   *
   * @default true
   */
  relay?: boolean
}

/** Round trips until a connection can be used: one to open, two for the handshakes; a punch first agrees by way of a relay. */
const DIRECT_TRIPS = 3
const PUNCH_TRIPS = 6
const PUNCH_RETRY_TRIPS = 3
const RELAY_TRIPS = 4

export class NatModel {
  /** Each node's class, by its place in `NAT_CLASSES` */
  readonly classOf: Uint8Array
  private readonly init: NatInit
  private readonly random: RandomStream

  constructor (init: NatInit) {
    this.init = init
    this.random = new RandomStream(init.seed, Stream.natPair)
    const classes = new RandomStream(init.seed, Stream.natClass)
    const names = Object.keys(init.mix) as NatClass[]
    const choose = chooser(init.mix)
    this.classOf = Uint8Array.from({ length: init.nodes }, (_, node) => NAT_CLASSES.indexOf(names[choose(classes.float(node, 0))] as NatClass))
  }

  /** How `from` gets a connection to `to`. The same pair gets the same answer each time, in both directions as far as punching goes. */
  plan (from: number, to: number): ConnectPlan | undefined {
    const a = NAT_CLASSES[this.classOf[from] as number] as NatClass
    const b = NAT_CLASSES[this.classOf[to] as number] as NatClass
    if (canDial(a, b)) {
      return { path: 'direct', roundTrips: DIRECT_TRIPS }
    }
    if (canDial(b, a) && (this.init.punching ?? true)) {
      return { path: 'direct', roundTrips: PUNCH_TRIPS } // the other side is asked, by way of a relay, to dial
    }
    if (canPunch(a, b, this.init)) {
      const pair = Math.min(from, to) * 0x4000000 + Math.max(from, to)
      if (this.random.float(pair, 0) < (this.init.punchSuccess ?? 0.7)) {
        const first = this.random.float(pair, 1) < (this.init.firstAttempt ?? 0.976)
        return { path: 'punched', roundTrips: PUNCH_TRIPS + (first ? 0 : PUNCH_RETRY_TRIPS) }
      }
    }
    return (this.init.relay ?? true) ? { path: 'relayed', roundTrips: RELAY_TRIPS } : undefined
  }
}

/** Whether a connection from one to the other needs nobody's help. */
export function canDial (from: NatClass, to: NatClass): boolean {
  return to === 'public' || (to === 'endpoint-independent' && from !== 'udp-blocked')
}

/** Whether two of which neither can dial the other can be brought together, with what they are allowed to try. */
export function canPunch (a: NatClass, b: NatClass, ways: Pick<NatInit, 'punching' | 'portPrediction' | 'birthday' | 'tcpOpen'>): boolean {
  if (a === 'udp-blocked' || b === 'udp-blocked') {
    return (ways.tcpOpen ?? false) && [a, b].every(nat => !nat.startsWith('symmetric'))
  }
  const symmetric = [a, b].filter(nat => nat.startsWith('symmetric'))
  if (symmetric.length === 0) {
    return ways.punching ?? true
  }
  if (symmetric.length === 2) {
    return false
  }
  return symmetric[0] === 'symmetric-sequential' ? (ways.portPrediction ?? false) || (ways.birthday ?? false) : ways.birthday ?? false
}
