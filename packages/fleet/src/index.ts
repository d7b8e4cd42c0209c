/** The relay fleet: what it keeps, and the rules of it. */
export {
  BUDGET_LEAVE_SHARE, BUDGET_STOP_SHARE, BUDGET_WARN_SHARE, isLost, isToBeEvacuated, MAX_SILENT_POLLS, MIN_HEALTH, pickNode, whyNotPicked
} from './store/pool-node.ts'
export type { Endpoint, NodeReport, NodeSpec, NodeState, PickWish, PoolNode, WhyNotPicked } from './store/pool-node.ts'
export { PROVISION_STEPS, isLive } from './store/session-record.ts'
export type {
  EndReason, ProviderName, ProvisionStep, RelayPlace, SessionMove, SessionRecord, SessionState, StepTime
} from './store/session-record.ts'
export type {
  Assignment, AssignmentRole, AssignNextRequest, AssignRequest, FleetStore, InsertOutcome, KeyRecord, ReplaceOptions, SessionFilter, SlotRecord,
  UnassignRequest, UserRecord
} from './store/fleet-store.ts'
export { SqliteMissingError, StaleFenceError, StoreVersionError } from './store/store-error.ts'
export { NodeRefusedError, NodeUnreachableError } from './agent/node-agent.ts'
export type {
  AdmitRequest, AgentOptions, LinkStatistics, NodeAgent, NodeHealth, NodeRefusal, NodeStatistics, RevokeRequest, StreamStatistics
} from './agent/node-agent.ts'
export { HttpNodeAgent } from './agent/http-node-agent.ts'
export type { HttpNodeAgentInit } from './agent/http-node-agent.ts'
export { StreamAdmissions } from './agent/stream-admissions.ts'
export type { StreamAdmissionsInit } from './agent/stream-admissions.ts'
export { NoCapacityError, UnknownRelayError } from './provision/provisioner.ts'
export type {
  DeprovisionRequest, MoveRequest, NamePublisher, Provisioner, ProvisionOptions, ProvisionRequest, SessionMover
} from './provision/provisioner.ts'
export { OwnRelayProvisioner } from './provision/own-relay-provisioner.ts'
export type { OwnRelayProvisionerInit } from './provision/own-relay-provisioner.ts'
export { PoolProvisioner } from './provision/pool-provisioner.ts'
export type { PoolProvisionerInit } from './provision/pool-provisioner.ts'
export { MeshProvisioner, SessionOvertakenError } from './mesh/mesh-provisioner.ts'
export type { MeshLeases, MeshProvisionerInit } from './mesh/mesh-provisioner.ts'
export { MeshSessions } from './mesh/mesh-sessions.ts'
export type { MeshSessionsInit } from './mesh/mesh-sessions.ts'
export { sessionIngest } from './mesh/session-ingest.ts'
export { slotIdentity } from './mesh/slot-identity.ts'
export type { SlotIdentity } from './mesh/slot-identity.ts'
export { FleetTime, monthOf, msToMonthEnd } from './session/fleet-time.ts'
export { hasExpired, newSession, REAP_MS, SESSION_TIMES, transition } from './session/session-life.ts'
export type { Refusal, SessionEvent, SessionTimes, SessionWork, Transition } from './session/session-life.ts'
export {
  ContendedSessionError, NameExhaustedError, SessionLimitError, SessionOverError, UnknownProviderError, UnknownSessionError
} from './session/session-error.ts'
export { isToBeLeft, MAX_MOVES_A_DAY, MOVE_COOL_DOWN_MS, moveRefusal, MoveRefusedError } from './session/move-rules.ts'
export type { MoveRefusal } from './session/move-rules.ts'
export { SessionKeeper } from './session/session-keeper.ts'
export type { ReapOutcome, SessionKeeperInit, StartRequest } from './session/session-keeper.ts'
export { ensureSlot } from './session/slot-names.ts'
export { FleetWatch, POLL_MS } from './watch/fleet-watch.ts'
export type { FleetWatchInit } from './watch/fleet-watch.ts'
export { budgetOf, healthScore } from './watch/node-health.ts'
export type { Budget, BudgetState, HealthInput } from './watch/node-health.ts'
export { ConnectionBook, MAX_CONNECTIONS, MAX_PROVISIONING, START_JITTER_MS } from './client/connection-book.ts'
export type { ConnectionEffect } from './client/connection-book.ts'
export { FleetClient } from './client/fleet-client.ts'
export type { ConnectionStore, FleetClientEvents, FleetClientInit, FleetClientOptions } from './client/fleet-client.ts'
export type { Connection, ConnectionSpec, ConnectionState, SessionView } from './client/fleet-connection.ts'
export { FleetRefusedError, FleetRequests, FleetUnreachableError } from './client/fleet-requests.ts'
export type { FleetRequestsInit, RequestOptions, SessionRequests, WatchedSession } from './client/fleet-requests.ts'
export { HttpNamePublisher, NameProviderError } from './dns/http-name-publisher.ts'
export type { HttpNamePublisherInit } from './dns/http-name-publisher.ts'
export { hostAddress, NameSyntaxError, parseMeshName, recordOf } from './names/mesh-name.ts'
export type { MeshName, NameRecord } from './names/mesh-name.ts'
export { MeshNamePublisher, NameUnheldError } from './names/mesh-name-publisher.ts'
export type { MeshNamePublisherInit } from './names/mesh-name-publisher.ts'
export { MeshNameResolver, NameAmbiguousError, NameExpiredError, NameNotFoundError } from './names/mesh-name-resolver.ts'
export type { MeshNameResolverInit } from './names/mesh-name-resolver.ts'
export { NameBook } from './names/name-book.ts'
export type { NameAnswer } from './names/name-book.ts'
