/** The IPv4 address of this device's router, as the operating system knows it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gatewayOfProcRoutes, gatewayOfRouteGet, gatewayOfRoutePrint } from '../../port-mapping/route-table.ts'

const COMMAND = { timeout: 5_000, maxBuffer: 1024 * 1024, windowsHide: true }
const execute = promisify(execFile)

/** `undefined` where there is none, and where the system does not tell. */
export async function routerAddress (): Promise<string | undefined> {
  try {
    switch (process.platform) {
      case 'linux':
      case 'android':
        return gatewayOfProcRoutes(await readFile('/proc/net/route', 'utf8'))
      case 'win32':
        return gatewayOfRoutePrint((await execute('route', ['print', '-4'], COMMAND)).stdout)
      default:
        return gatewayOfRouteGet((await execute('route', ['-n', 'get', 'default'], COMMAND)).stdout)
    }
  } catch {
    return undefined
  }
}
