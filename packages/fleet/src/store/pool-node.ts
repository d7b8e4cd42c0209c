/** A relay node as the fleet knows it: where it is, what it can carry, how it is doing, and whether a session may be put on it. */

export interface Endpoint {
  host: string
  /** 1 to 65,535 */
  port: number
}

/** What the operator, or the owner of a relay of their own, says of a node. */
export interface NodeSpec {
  id: string
  /** Short name, `eu-west` */
  region: string
  /** Streams that it carries at once */
  capacity: number
  /** Where senders send to: bonded UDP */
  ingest: Endpoint
  /** Where players call: SRT */
  play: Endpoint
  /** Base URL at which the control plane alone manages it; a relay that is only watched may have none */
  manageUrl?: string
  /** What the control plane shows to it */
  manageKey?: string
  /** Whose it is; left out: everybody's, part of the pool */
  owner?: string
  /** Bytes in and out that its provider lets through in a calendar month (UTC); left out: unmetered */
  monthLimitBytes?: number
}

/**
 * What its operator wants: `active` may be given sessions, `draining` keeps those that it has, and those of one that is `evacuating` are moved to
 * others.
 */
export type NodeState = 'active' | 'draining' | 'evacuating'

export interface NodeReport {
  /** 0 to 100; see `healthScore` */
  health: number
  /** Calendar month in UTC that `monthBytes` counts, `2026-11` */
  month: string
  monthBytes: number
  /** Polls in a row that it did not answer */
  silentPolls: number
  /** When it answered last, ms since the epoch */
  seenMs?: number
  /** Of the node's process when it answered last, and what it had carried by then: the next answer counts from there */
  bootId?: string
  bootBytes?: number
}

export interface PoolNode extends NodeSpec, NodeReport {
  state: NodeState
  /** Places taken */
  used: number
}

/** Of polls in a row without an answer: it counts as lost, and what it carried is carried elsewhere. */
export const MAX_SILENT_POLLS = 3
/** At less than this a node is given nothing. A node that lost every tenth packet with half of its places taken and its processor full has 42. */
export const MIN_HEALTH = 50
/** Of a month's bytes: the owner is warned, and then nothing more is put there, so that what runs has room to the end of the month. */
export const BUDGET_WARN_SHARE = 0.7
export const BUDGET_STOP_SHARE = 0.9
/** At this share what runs there is moved to others: streams without an end would use up what is left, and the month may have weeks to go. */
export const BUDGET_LEAVE_SHARE = 0.97

export function isLost (node: NodeReport): boolean {
  return node.silentPolls >= MAX_SILENT_POLLS
}

export type WhyNotPicked = 'own' | 'draining' | 'evacuating' | 'lost' | 'unhealthy' | 'over_budget' | 'full'

/** Why a node is given nothing now; `undefined` when it may be picked. The same rule as the query of the store. */
export function whyNotPicked (node: PoolNode, month: string): WhyNotPicked | undefined {
  if (node.owner !== undefined) {
    return 'own'
  }
  if (node.state !== 'active') {
    return node.state
  }
  if (isLost(node)) {
    return 'lost'
  }
  if (node.health < MIN_HEALTH) {
    return 'unhealthy'
  }
  if (node.monthLimitBytes !== undefined && node.month === month && node.monthBytes >= node.monthLimitBytes * BUDGET_STOP_SHARE) {
    return 'over_budget'
  }
  return node.used >= node.capacity ? 'full' : undefined
}

/** Whether what a node carries is to be moved to others, while it goes on. */
export function isToBeEvacuated ({ state, monthBytes, monthLimitBytes = Infinity }: PoolNode): boolean {
  return state === 'evacuating' || monthBytes >= monthLimitBytes * BUDGET_LEAVE_SHARE
}

export interface PickWish {
  /** Preferred, not demanded; '' for any */
  region: string
  /** Calendar month in UTC, `2026-11` */
  month: string
  /** Not these */
  avoid?: readonly string[]
}

/** Where the pick takes a place: of the nodes that may be picked the least loaded, of the region first. The same rule as the query of the store. */
export function pickNode (nodes: readonly PoolNode[], { region, month, avoid = [] }: PickWish): PoolNode | undefined {
  const free = nodes.filter(node => whyNotPicked(node, month) === undefined && !avoid.includes(node.id))
  const near = free.filter(node => node.region === region)
  return (near.length > 0 ? near : free).toSorted(byLoad)[0]
}

function byLoad (a: PoolNode, b: PoolNode): number {
  const difference = a.used / a.capacity - b.used / b.capacity
  return difference === 0 ? (a.id < b.id ? -1 : 1) : difference
}
