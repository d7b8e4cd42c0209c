/** Kademlia lookups: event by event among devices that come and go, and over a billion nodes of which nothing is stored. */
import { ipfsSessions } from '../../src/engine/churn.ts'
import { ChurnLookups } from '../../src/kademlia/churn-lookups.ts'
import { sampleLookups } from '../../src/kademlia/lookup-sample.ts'
import { StorageFreeTable } from '../../src/kademlia/storage-free-table.ts'
import { cpuSeconds } from './cpu.ts'

const WARM_UP_MS = 10_000
const LOOKUPS = 40_000

/** What each device does a second: that many lookups are made, so that most of the work is theirs and few thousand are under way at once. */
function lookupsPerSecond (online: number): number {
  return Math.min(10_000, Math.max(500, online / 100))
}

export interface ChurnLookupsOptions {
  /** The lookups that tables need are made as well, and counted. @default false */
  maintenance?: boolean
  /** @default 0 */
  natShare?: number
}

/** k = 8, alpha = 2, sessions as in IPFS, as long offline as online. */
export function measureLookupsUnderChurn (online: number, options: ChurnLookupsOptions = {}): Record<string, number> {
  const perSecond = lookupsPerSecond(online)
  const kernel = new ChurnLookups({
    seed: 1, online, model: { on: ipfsSessions(), off: ipfsSessions() }, lookupsPerSecond: perSecond, maxLookups: 16_384, natted: 'client', ...options
  })
  const done = (): number => kernel.user.complete + kernel.maintenance.complete
  kernel.run(WARM_UP_MS)
  const before = done()
  const start = process.cpuUsage()
  kernel.run(WARM_UP_MS + LOOKUPS / perSecond * 1000)
  const { user, maintenance } = kernel
  return {
    perSecond: (done() - before) / cpuSeconds(start),
    hops: user.hops / user.complete,
    requests: user.requests / user.complete,
    success: user.found / user.checked,
    refused: kernel.refused,
    maintenanceShare: maintenance.requests / (maintenance.requests + user.requests),
    rss: process.resourceUsage().maxRSS / 1024
  }
}

/** k = 20, alpha = 3, ideal tables. */
export function measureStorageFree (nodes: number): Record<string, number> {
  const table = new StorageFreeTable(1, nodes, 20)
  sampleLookups({ table, seed: 1, lookups: 5000 })
  const start = process.cpuUsage()
  const { hops } = sampleLookups({ table, seed: 1, first: 5000, lookups: LOOKUPS })
  return {
    perSecond: LOOKUPS / cpuSeconds(start),
    hops: hops.reduce((sum, value) => sum + value, 0) / LOOKUPS,
    rss: process.resourceUsage().maxRSS / 1024
  }
}
