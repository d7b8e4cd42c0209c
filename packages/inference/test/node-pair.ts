/** libp2p nodes on loopback for the tests of this package. */
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { inference } from '../src/libp2p/index.ts'
import type { Libp2p } from 'libp2p'
import type { InferenceEvent } from '../src/index.ts'
import type { InferenceCall, InferenceInit, InferenceService } from '../src/libp2p/index.ts'

export type InferenceNode = Libp2p<{ inference: InferenceService }>

export async function createNode (init: InferenceInit = {}): Promise<InferenceNode> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { inference: inference(init) }
  })
}

/** All events, or the events until the error and the error. */
export async function collect (call: InferenceCall): Promise<{ events: InferenceEvent[], text: string, error?: unknown }> {
  const events: InferenceEvent[] = []
  const textOf = (): string => events.map(event => event.type === 'delta' ? event.text : '').join('')
  try {
    for await (const event of call) {
      events.push(event)
    }
    return { events, text: textOf() }
  } catch (error) {
    return { events, text: textOf(), error }
  }
}

/** Resolves once `condition` holds; the test's own time limit ends a wait in vain. */
export async function until (condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise(resolve => { setTimeout(resolve, 5) })
  }
}
