/** Direct first: paths, NAT verdicts, the relay budget. Pure: no I/O, no clock. */
export { describeNat, natVerdict } from './nat-verdict.ts'
export type { NatEvidence, NatFiltering, NatMapping, NatVerdict, Sighting } from './nat-verdict.ts'
export { pairWays } from './pair-ways.ts'
export type { DirectWay, Reach } from './pair-ways.ts'
export { PATHS, PathTable } from './path-table.ts'
export type { Path, PathConnection, PathEffect, PathTableInit, PeerPath } from './path-table.ts'
export { RelayBudget } from './relay-budget.ts'
export type { BudgetState, RelayBudgetInit } from './relay-budget.ts'
