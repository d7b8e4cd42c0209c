/** A memory challenge of 256 MiB between two nodes over TCP on loopback, the prover's work in a thread. See README.md beside. */
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { CapabilityService } from '@skein/reputation/libp2p'
import { startMemoryProver } from '@skein/reputation/node'

const MEBIBYTE = 1024 * 1024
const BYTES = Number(process.argv[2] ?? 256) * MEBIBYTE
const ROUNDS = 5

const createNode = async (): ReturnType<typeof createLibp2p> => await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  services: { identify: identify() }
})

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number

const prover = await createNode()
const proving = new CapabilityService({
  libp2p: prover, isKnown: () => true, prover: { mostBytes: BYTES, leastBytes: MEBIBYTE, perHour: ROUNDS, start: startMemoryProver }
})
await proving.start()
const samples = { wholeMs: [] as number[], gigabytes: [] as number[], micros: [] as number[], lagMs: [] as number[] }
for (let i = 0; i < ROUNDS; i++) {
  // a peer is answered once an hour: each round is another's
  const verifier = await createNode()
  const measuring = new CapabilityService({ libp2p: verifier })
  await measuring.start()
  await verifier.dial(prover.getMultiaddrs())
  let lagMs = 0
  let lastMs = performance.now()
  const lag = setInterval(() => {
    lagMs = Math.max(lagMs, performance.now() - lastMs - 5)
    lastMs = performance.now()
  }, 5)
  const answered = new Promise(resolve => { proving.addEventListener('challenge:answered', resolve, { once: true }) })
  const startMs = performance.now()
  const measured = await measuring.measureMemory(prover.peerId.toString(), { bytes: BYTES })
  samples.wholeMs.push(performance.now() - startMs)
  clearInterval(lag)
  samples.lagMs.push(lagMs)
  samples.gigabytes.push(measured.memoryBytesPerSecond / 1e9)
  samples.micros.push(measured.readMicros)
  await answered
  await verifier.stop()
}
await proving.stop()
await prover.stop()

const wholeMs = median(samples.wholeMs)
const gigabytes = median(samples.gigabytes)
const micros = median(samples.micros)
const lagMs = median(samples.lagMs)
console.log(`a challenge of ${BYTES / MEBIBYTE} MiB       ${wholeMs.toFixed(0)} ms (${samples.wholeMs.map(ms => ms.toFixed(0)).join(', ')})`)
console.log(`read at random places        ${gigabytes.toFixed(2)} GB/s, ${micros.toFixed(2)} µs a KiB`)
console.log(`longest pause of the thread that serves and verifies: ${lagMs.toFixed(0)} ms`)
console.log(JSON.stringify({
  bench: 'challenge',
  results: [
    { name: 'memory challenge', value: Number(wholeMs.toFixed(0)), unit: 'ms', target: 2000, better: 'lower' },
    { name: 'memory read at random places', value: Number(gigabytes.toFixed(2)), unit: 'GB/s', better: 'higher' },
    { name: 'longest pause of the main thread', value: Number(lagMs.toFixed(1)), unit: 'ms', better: 'lower' }
  ]
}))
