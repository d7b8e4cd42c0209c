/** A device that serves models over relayed sessions, for tests: answers each request with the pieces that a function gives. */
import { DeviceClient } from './device-client.ts'
import type { DeviceClientInit, Payload } from './device-client.ts'

export interface ServingDevice {
  client: DeviceClient
  requests: Payload[]
  /** Ids of sessions that the other side closed */
  closed: string[]
}

export type Pieces = (request: Payload, say: (piece: string) => void, isClosed: () => boolean) => Promise<void>

export async function serveAsDevice (url: string, init: DeviceClientInit, answer: Pieces): Promise<ServingDevice> {
  const client = await DeviceClient.register(url, init)
  const device: ServingDevice = { client, requests: [], closed: [] }
  void accept(device, answer).catch(() => {}) // closed with the test
  void noteClosed(device).catch(() => {})
  return device
}

async function noteClosed (device: ServingDevice): Promise<void> {
  for (;;) {
    device.closed.push((await device.client.next('relayClose')).sessionID as string)
  }
}

async function accept (device: ServingDevice, answer: Pieces): Promise<void> {
  for (;;) {
    const { fromNodeID, sessionID } = await device.client.next('relayOpen')
    device.client.send('relayReady', device.client.route(fromNodeID, sessionID))
    void session(device, fromNodeID, sessionID, answer).catch(() => {})
  }
}

async function session (device: ServingDevice, from: string, id: string, answer: Pieces): Promise<void> {
  const { client } = device
  for (;;) {
    const { kind, payload } = await client.heard(id)
    if (kind === 'hello') {
      client.say(from, id, 'helloAck', { deviceInfo: { deviceID: client.nodeID }, protocolVersion: 1, loadedModels: ['x'] })
    } else if (kind === 'inferenceRequest') {
      device.requests.push(payload)
      const { requestID } = payload
      const chunk = (delta: Payload, reason: string | null = null): void => {
        client.say(from, id, 'inferenceChunk', {
          requestID,
          chunk: { id: 'c1', object: 'chat.completion.chunk', created: 1, model: payload.request.model, choices: [{ index: 0, delta, finish_reason: reason }] }
        })
      }
      try {
        await answer(payload.request, piece => { chunk({ content: piece }) }, () => device.closed.includes(id))
        chunk({}, 'stop')
        client.say(from, id, 'inferenceComplete', { requestID })
      } catch (error) {
        client.say(from, id, 'inferenceError', { requestID, errorMessage: (error as Error).message, code: (error as { code?: string }).code })
      }
    }
  }
}
