/** Malformed messages over sockets: to `/ws`, before any handshake, and to the seed protocol. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { PROTOCOLS } from '@skein/records'
import fc from 'fast-check'
import { WebSocket } from 'ws'
import { peerFrom } from './honest-peer.ts'
import { nearly, SEED, validMessages } from './malformed-messages.ts'
import type { AttackReport, AttackTarget } from './attacker-process.ts'
import type { ValidMessages } from './malformed-messages.ts'

const pause = async (ms: number): Promise<void> => { await new Promise(resolve => setTimeout(resolve, ms)) }

/** 10,500 in all, within some seconds: what they say is the attack, not how many they are. */
export async function malformed (target: AttackTarget, rage: () => void): Promise<AttackReport> {
  const valid = await validMessages(await generateKeyPair('Ed25519'))
  setTimeout(rage, 500)
  const [answered] = await Promise.all([sendToDevices(target, valid, 10, 800), sendRaw(target, 1_500), sendRequests(target, valid, 20, 50)])
  return { answered }
}

export async function malformedFew (target: AttackTarget): Promise<AttackReport> {
  const valid = await validMessages(await generateKeyPair('Ed25519'))
  const [answered] = await Promise.all([sendToDevices(target, valid, 8, 20), sendRaw(target, 20), sendRequests(target, valid, 2, 10)])
  return { answered }
}

/** How many were answered. */
async function sendToDevices (target: AttackTarget, valid: ValidMessages, sockets: number, each: number): Promise<number> {
  const samples = fc.sample(fc.array(nearly(valid.deviceMessages), { minLength: each, maxLength: each }), { numRuns: sockets, seed: SEED + each })
  const counts = await Promise.all(samples.map(async (messages, i) => {
    const socket = new WebSocket(`ws://127.0.0.1:${target.httpPort}/ws?node=${i}`, { localAddress: `127.0.6.${i + 1}` })
    let answered = 0
    socket.on('message', () => { answered++ })
    await once(socket, 'open')
    for (const [at, message] of messages.entries()) {
      socket.send(message, { binary: i % 2 === 0 })
      if (at % 10 === 9) {
        await pause(60)
      }
    }
    for (let tries = 0; tries < 500 && answered < each; tries++) {
      await pause(10)
    }
    socket.terminate()
    return answered
  }))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Each over a connection of its own, from networks of their own, before any handshake. */
async function sendRaw (target: AttackTarget, count: number): Promise<void> {
  const beginnings = ['\u0013/multistream/1.0.0\n\u0007/noise\n\0\u0020' + 'x'.repeat(32), 'GET / HTTP/1.1\r\nhost: a\r\n\r\n']
  const messages = fc.sample(nearly(beginnings.map(text => Buffer.from(text))), { numRuns: count, seed: SEED })
  let next = 0
  await Promise.all(Array.from({ length: 10 }, async () => {
    while (next < count) {
      const i = next++
      const localAddress = `127.${50 + Math.floor(i / 200)}.${i % 200}.${count % 200}`
      const socket = connect({ port: i % 5 === 0 ? target.wsPort : target.tcpPort, host: '127.0.0.1', localAddress })
      socket.on('error', () => {})
      socket.on('connect', () => {
        socket.write(messages[i] as Uint8Array)
        setTimeout(() => { socket.destroy() }, 30)
      })
      await new Promise(resolve => socket.once('close', resolve))
    }
  }))
}

async function sendRequests (target: AttackTarget, valid: ValidMessages, peers: number, each: number): Promise<void> {
  const samples = fc.sample(fc.array(nearly(valid.requests), { minLength: each, maxLength: each }), { numRuns: peers, seed: SEED })
  await Promise.all(samples.map(async (messages, i) => {
    await pause(i * 100)
    const peer = await peerFrom(`127.8.${each}.${i + 1}`)
    const connection = await peer.libp2p.dial(multiaddr(target.address))
    for (const message of messages) {
      const stream = await connection.newStream(PROTOCOLS.seed, { signal: AbortSignal.timeout(5_000), maxOutboundStreams: 100 }).catch(() => undefined)
      stream?.send(Uint8Array.of((message.length & 0x7f) | 0x80, message.length >> 7, ...message))
      await stream?.close().catch(() => {}) // the seed has reset it
      await pause(100)
    }
    await peer.stop()
  }))
}
