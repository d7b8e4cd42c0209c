/** The process of the bench that is measured: the endpoint of devices alone, without limits of rate; answers with its CPU time and memory. */
import { UNLIMITED } from '../../src/devices/device-limits.ts'
import { listenForDevices } from '../../test/devices/device-server.ts'

const { url } = await listenForDevices({
  maxSockets: 20_000,
  maxSocketsPerAddress: 20_000,
  registerTimeoutMs: 600_000,
  rates: { register: UNLIMITED, discover: UNLIMITED, signal: UNLIMITED, messages: UNLIMITED, bytes: UNLIMITED, faults: UNLIMITED }
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => { process.exit() })
process.send?.({ url })
