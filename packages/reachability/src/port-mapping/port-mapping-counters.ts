/** What was asked of routers, and what came of it. */
import type { MappingProblem } from './router-mapping.ts'

/** All only grow. */
export interface PortMappingCounters {
  /** Times that a router was asked to map a port or to renew that */
  asked_total: number
  /** … and did */
  mapped_total: number
  failures_total: Record<MappingProblem, number>
  /** Times that a router had lost its table of mappings */
  forgotten_total: number
  /** Times that a mapped port came to another address or port outside */
  changes_total: number
}

export function newPortMappingCounters (): PortMappingCounters {
  return {
    asked_total: 0,
    mapped_total: 0,
    failures_total: { no_router: 0, silent: 0, refused: 0, no_external_address: 0, double_nat: 0, full: 0 },
    forgotten_total: 0,
    changes_total: 0
  }
}
