/** A control plane as a process: `node control-process.ts STORE PORT [STEP]`. With a step it is gone as soon as a session has come to it. */
import { createControlPlane, openStore } from '@skein/fleet/node'
import type { Provisioner } from '@skein/fleet'

const [location, port, dieAt] = process.argv.slice(2) as [string, string, string | undefined]

/** Dies by its own hand, as by kill -9: no handler runs, nothing is written any more. */
function mortal (provisioner: Provisioner): Provisioner {
  return {
    provision: async (request, options) => await provisioner.provision(request, {
      ...options,
      onProgress: async steps => {
        await options?.onProgress?.(steps)
        if (steps.at(-1)?.step === dieAt) {
          process.kill(process.pid, 'SIGKILL')
          await new Promise(() => {})
        }
      }
    }),
    deprovision: async (request, options) => { await provisioner.deprovision(request, options) }
  }
}

const unlimited = { perSecond: 10_000, burst: 10_000 }
const plane = await createControlPlane({
  store: await openStore(location),
  port: Number(port),
  // a client that is killed has to be back in time on a busy machine too
  times: { leaseMs: 20_000, heartbeatMs: 500, workMs: 500 },
  reapMs: 200,
  pollMs: 200,
  limits: { key: unlimited, stranger: unlimited },
  provisioners: ({ pool }) => ({ pool: dieAt === undefined ? pool : mortal(pool) })
})
process.stdout.write(`${plane.url}\n`)
