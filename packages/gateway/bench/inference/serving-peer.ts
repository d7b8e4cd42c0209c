/** The peer that serves the backend. */
import { createPeer, openaiBackend } from '@skein/peer'
import { benchOptions, benchReady } from './bench-process.ts'

const { backend, maxConcurrent } = benchOptions<{ backend: string, maxConcurrent: number }>()
const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'] })
await peer.serve(openaiBackend(backend, { maxConcurrent }))
benchReady({ addresses: peer.addresses })
