/** The relay fleet: what it keeps, and the rules of it. */
export { BUDGET_STOP_SHARE, BUDGET_WARN_SHARE, MIN_HEALTH, whyNotPicked } from './store/pool-node.ts'
export type { Endpoint, NodeReport, NodeSpec, NodeState, PoolNode } from './store/pool-node.ts'
export { PROVISION_STEPS, isLive } from './store/session-record.ts'
export type { EndReason, ProviderName, ProvisionStep, RelayPlace, SessionRecord, SessionState, StepTime } from './store/session-record.ts'
export type {
  Assignment, AssignRequest, FleetStore, InsertOutcome, KeyRecord, SessionFilter, SlotRecord, UserRecord
} from './store/fleet-store.ts'
export { SqliteMissingError, StaleFenceError, StoreVersionError } from './store/store-error.ts'
