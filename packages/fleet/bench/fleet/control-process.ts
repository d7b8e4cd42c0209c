/** The control plane that is measured: `control-process.ts STORE`. Answers each message with its CPU time and memory. */
import { createControlPlane, openStore } from '@skein/fleet/node'

const unlimited = { perSecond: 1e6, burst: 1e6 }
const plane = await createControlPlane({
  store: await openStore(process.argv[2] as string, { maxConnections: 20 }),
  port: 0,
  // it takes longer to make 10,000 sessions than their leases last
  times: { leaseMs: 3_600_000 },
  limits: { key: unlimited, stranger: unlimited },
  onProblem: (message, error) => { console.error(message, error.message) }
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => { process.exit() })
process.send?.({ url: plane.url })
