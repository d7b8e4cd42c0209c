/** What a simulated world is made from, and what travels in it. */
import type { ClockSkew } from './clock-skew.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'

/** What travels: a message of the nodes' own, or one of the two by which a connection is made. */
export type Parcel<Message> =
  | { type: 'message', message: Message, sizeBytes: number }
  | { type: 'dial' | 'accept', dial: number, sizeBytes: number }

/** Where parcels for nodes that live elsewhere go. */
export type Outlet<Message> = (tick: number, to: number, from: number, counter: number, parcel: Parcel<Message>) => void

export interface SimWorldInit<Host, Message> {
  seed: number
  /** How many nodes there are */
  nodes: number
  network: SimNetwork
  /** What a node is when it starts, and again each time it restarts */
  create: (node: SimNode<Host, Message>) => Host
  receive: (node: SimNode<Host, Message>, message: Message, from: number) => void
  /** A node stopped: what is left of it is in `node.host` */
  stopped?: (node: SimNode<Host, Message>) => void
  /** Which nodes are up at the start. Default: all */
  startsUp?: (node: number) => boolean
  /** How wrong the nodes' clocks are. Default: not at all */
  clockSkew?: ClockSkew
  /** A number that stands for a message in the log. Default: its size alone */
  digest?: (message: Message) => number
  /**
   * How finely time is told apart, ms.
   *
   * @default 0.125
   */
  tickMs?: number
  /**
   * When it begins, ms since the epoch.
   *
   * @default 1_700_000_000_000
   */
  startMs?: number
  /**
   * Most messages under way and tasks scheduled at once.
   *
   * @default 2^24
   */
  maxEvents?: number
  /**
   * A connection that has not come about is given up, ms.
   *
   * @default 10_000
   */
  connectTimeoutMs?: number
  /** With several threads: which nodes live in this world */
  owns?: (node: number) => boolean
  outlet?: Outlet<Message>
}
