/** An HTTP server with nothing but the endpoint of devices at `/ws`, for tests and benchmarks. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deviceEndpoint } from '../../src/node/device-endpoint.ts'
import type { DeviceEndpoint, DeviceEndpointInit } from '../../src/node/device-endpoint.ts'

export interface DeviceServer {
  url: string
  endpoint: DeviceEndpoint
  stop: () => Promise<void>
}

export async function listenForDevices (init: DeviceEndpointInit = {}): Promise<DeviceServer> {
  const endpoint = deviceEndpoint(init)
  const server = createServer()
  server.on('upgrade', (request, socket, head) => { endpoint.handleUpgrade(request, socket, head) })
  await new Promise<void>(resolve => { server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve) })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    endpoint,
    stop: async () => {
      await endpoint.stop()
      await new Promise(resolve => { server.close(resolve) })
    }
  }
}
