/** The router of this device, read from what its system prints of its routes: pure. */
import { isIPv4Text } from './external-address.ts'

const GATEWAY_FLAG = 0x2
const MAX_LINES = 4_096

/** From `/proc/net/route` of Linux: the default route of the lowest metric. */
export function gatewayOfProcRoutes (text: string): string | undefined {
  const routes = text.split('\n').slice(1, MAX_LINES).flatMap(line => {
    const [, destination = '', gateway = '', flags = '', , , metric = ''] = line.trim().split(/\s+/)
    return destination === '00000000' && /^[0-9A-F]{8}$/i.test(gateway) && (Number.parseInt(flags, 16) & GATEWAY_FLAG) !== 0
      ? [{ gateway, metric: Number(metric) }]
      : []
  })
  const [best] = routes.sort((a, b) => a.metric - b.metric)
  // four bytes as a number of this machine, the lowest first
  return best?.gateway.match(/../g)?.reverse().map(byte => Number.parseInt(byte, 16)).join('.')
}

/** From `route -n get default` of macOS and the BSDs. */
export function gatewayOfRouteGet (text: string): string | undefined {
  return addressIn(/^\s*gateway:\s*(\S+)/m.exec(text)?.[1])
}

/** From `route print -4` of Windows, whatever its language: destination, mask, gateway, interface, metric. */
export function gatewayOfRoutePrint (text: string): string | undefined {
  const routes = [...text.matchAll(/^\s*0\.0\.0\.0\s+0\.0\.0\.0\s+(\d+\.\d+\.\d+\.\d+)\s+\S+\s+(\d+)\s*$/gm)]
  const [best] = routes.sort(([, , a], [, , b]) => Number(a) - Number(b))
  return addressIn(best?.[1])
}

function addressIn (text: string | undefined): string | undefined {
  return text !== undefined && isIPv4Text(text) ? text : undefined
}
