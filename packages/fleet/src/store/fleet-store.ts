/** What the control plane keeps, and the operations on it that have to be atomic. One conformance suite holds for all stores. */
import type { NodeReport, NodeSpec, NodeState, PoolNode } from './pool-node.ts'
import type { SessionRecord, SessionState } from './session-record.ts'

/** A session has one place that it holds; while it moves, one that it is going to, and for a while after, one that it has left. */
export type AssignmentRole = 'held' | 'next' | 'left'

/** A session has a place at a node. */
export interface Assignment {
  sessionId: string
  role: AssignmentRole
  nodeId: string
  /** Of the session when it was assigned, or taken over */
  fence: number
  assignedMs: number
}

export interface AssignRequest {
  sessionId: string
  /** That of the session; one that is not is refused */
  fence: number
  /** Preferred, not demanded; '' for any */
  region: string
  /** Calendar month in UTC, `2026-11`, for the budgets */
  month: string
  nowMs: number
  /** Not these: they were tried already */
  avoid?: string[]
}

export interface AssignNextRequest extends Omit<AssignRequest, 'avoid'> {
  /** Where it is now */
  currentNodeId: string
  /** The region is preferred, not demanded @default false */
  elsewhere?: boolean
}

export interface UnassignRequest {
  sessionId: string
  nodeId: string
  /** Of who gives it back: what was taken over by another since is left alone */
  fence: number
}

/** The user's slot: what stays over sessions. */
export interface SlotRecord {
  userId: string
  slot: number
  label: string
  /** 8 characters of base36; unique in the fleet, routes and never authorises */
  name: string
  createdMs: number
  /** When its session was moved from one region to another, the last few, ms since the epoch */
  moves: number[]
}

export interface UserRecord {
  id: string
  /** Sessions that may be live at once */
  maxActive: number
}

export interface KeyRecord {
  id: string
  /** SHA-256 of the secret, in hex */
  secretHash: string
  scopes: string[]
  /** Left out: the key of an operator */
  userId?: string
  createdMs: number
}

/**
 * - `inserted`
 * - `exists`: there is a live session for the slot
 * - `limit`: the user has as many as the plan allows
 */
export type InsertOutcome = 'inserted' | 'exists' | 'limit'

export interface ReplaceOptions {
  /** The change need not be on the disk before the answer: the machine of the store may lose it with its power @default false */
  mayBeLost?: boolean
}

/** Of a page of sessions: those after `afterId`, by id. */
export interface SessionFilter {
  userId?: string
  states?: SessionState[]
  afterId?: string
  /** @default 100 */
  limit?: number
}

export interface FleetStore {
  /** Brings the tables to the version of this code; several processes may call it at once. */
  migrate (): Promise<void>
  /** The time by which leases are judged, ms since the epoch: that of the server where several processes share one */
  nowMs (): Promise<number>
  close (): Promise<void>

  /** Adds a node as `active` with full health, or changes what is said of it; its state, health and load stay. */
  putNode (spec: NodeSpec): Promise<void>
  node (id: string): Promise<PoolNode | undefined>
  /** All, or those of one owner, by id */
  nodes (filter?: { owner?: string }): Promise<PoolNode[]>
  /** @returns false when there is no such node */
  reportNode (id: string, report: NodeReport): Promise<boolean>
  setNodeState (id: string, state: NodeState): Promise<boolean>
  /** Forgets a node on which nothing is @returns false when there is none, or it has sessions */
  removeNode (id: string): Promise<boolean>

  /**
   * Takes a place for a session: at a node of its region if one may be picked, then at the least loaded. The same session gets the place that it has.
   *
   * @returns undefined when no node may be picked
   * @throws {StaleFenceError} when the session is not provisioning under this fence
   */
  assign (request: AssignRequest): Promise<Assignment | undefined>
  /**
   * Takes a place for an active session that moves, beside the one that it holds: in that region, in another only with `elsewhere`. Asked again it
   * gives the same.
   *
   * @returns undefined when no such node may be picked
   * @throws {StaleFenceError} when the session is not active under this fence
   */
  assignNext (request: AssignNextRequest): Promise<Assignment | undefined>
  /** Of a session's places it holds the one at this node from now on, and has left the other. Harmless when that is so. @throws {StaleFenceError} */
  holdAt (request: { sessionId: string, fence: number, nodeId: string }): Promise<void>
  assignments (filter: { sessionId: string } | { nodeId: string }): Promise<Assignment[]>
  /** Places that sessions are going to or have left */
  movingAssignments (limit: number): Promise<Assignment[]>
  /** Those that have a place at a node */
  assignedSessions (nodeId: string): Promise<SessionRecord[]>
  /** Gives a place back @returns false when it was given back already, or taken over */
  unassign (request: UnassignRequest): Promise<boolean>

  /** Adds a session unless its slot has a live one or its user has `maxActive` of them; all three are one step. */
  insertSession (session: SessionRecord): Promise<InsertOutcome>
  session (id: string): Promise<SessionRecord | undefined>
  /** The live one of a slot */
  liveSession (userId: string, slot: number): Promise<SessionRecord | undefined>
  sessions (filter?: SessionFilter): Promise<SessionRecord[]>
  /** How many there are in each state */
  countSessions (): Promise<Record<SessionState, number>>
  /** Replaces the session if it is still at `version` @returns false when it is not, and nothing was changed */
  replaceSession (session: SessionRecord, version: number, options?: ReplaceOptions): Promise<boolean>
  /** Sessions that somebody has to look after: leases that have run out, and work that nobody does any more. Oldest first. */
  dueSessions (nowMs: number, limit: number): Promise<SessionRecord[]>
  /** Forgets sessions that ended before `beforeMs` @returns how many */
  forgetSessions (beforeMs: number): Promise<number>
  /**
   * Says that a control plane is there. Where none was for longer than `graceMs`, nobody could renew a lease: all leases are put off by that time.
   *
   * @returns by how many ms they were put off
   */
  beat (nowMs: number, graceMs: number): Promise<number>

  /** Whether `holder` does this job for all control planes, until `nowMs + lifeMs` at least; it does when nobody else does. */
  lead (job: string, holder: string, nowMs: number, lifeMs: number): Promise<boolean>

  putUser (user: UserRecord): Promise<void>
  user (id: string): Promise<UserRecord | undefined>
  /** @returns false when the slot exists, or the name is taken */
  insertSlot (slot: SlotRecord): Promise<boolean>
  slot (userId: string, slot: number): Promise<SlotRecord | undefined>
  slots (userId: string): Promise<SlotRecord[]>
  slotByName (name: string): Promise<SlotRecord | undefined>
  labelSlot (userId: string, slot: number, label: string): Promise<boolean>
  addMove (userId: string, slot: number, atMs: number): Promise<void>
  removeSlot (userId: string, slot: number): Promise<boolean>

  putKey (key: KeyRecord): Promise<void>
  key (id: string): Promise<KeyRecord | undefined>
  keys (): Promise<KeyRecord[]>
  removeKey (id: string): Promise<boolean>
}
