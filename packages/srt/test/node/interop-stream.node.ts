import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes, SeededRandom } from '@skein/core'
import { connect, SrtListener } from '@skein/srt/node'
import { expect } from 'chai'
import type { ConnectionOptions } from '@skein/srt'
import { ImpairingProxy } from '../impairing-proxy.ts'
import { ForeignProgram, freePort, isInstalled } from './foreign-program.ts'

const PROGRAM = 'srt-file-transmit'
const PASSPHRASE = 'hunter2hunter2'
const IMPAIRMENT = { lossRatio: 0.02, jitterMs: 40 }
const WAIT_MS = 240_000

interface Run {
  ours: 'caller' | 'listener'
  sender: 'ours' | 'libsrt'
  isEncrypted: boolean
  megabytes: number
  /** So many bytes pass before the link goes bad @default 0: it is bad from the first packet */
  goodBytes?: number
}

/**
 * 100 MB each way with each role, encrypted and not. Our sender meets the bad link from its first packet. libsrt's leaves its slow start for good when
 * a packet is lost in it, and sends 0.3 to 3 Mbit/s from then on, to libsrt as to us: the link goes bad behind its slow start, so that it loses 2 % of
 * 96 MB, and once in each role from the first packet, with as much as that carries within a minute.
 */
const ROLES = ['caller', 'listener'] as const
const RUNS: Run[] = [
  ...[false, true].flatMap(isEncrypted => ROLES.map((ours): Run => ({ ours, sender: 'ours', isEncrypted, megabytes: 100 }))),
  ...[false, true].flatMap(isEncrypted => ROLES.map((ours): Run => ({ ours, sender: 'libsrt', isEncrypted, megabytes: 100, goodBytes: 4_000_000 }))),
  ...ROLES.map((ours): Run => ({ ours, sender: 'libsrt', isEncrypted: ours === 'caller', megabytes: 4 }))
]

async function sha256 (chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) {
    hash.update(chunk)
  }
  return hash.digest('hex')
}

async function within<T> (promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => { late.reject(new Error(`${what} took longer than ${WAIT_MS} ms`)) }, WAIT_MS)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

describe('stream mode with libsrt', function () {
  this.timeout(600_000)
  let folder = ''

  before(function () {
    if (!isInstalled(PROGRAM)) {
      this.skip()
    }
    folder = mkdtempSync(join(tmpdir(), 'skein-srt-'))
  })

  after(() => { rmSync(folder, { recursive: true, force: true }) })

  for (const { ours, sender, isEncrypted, megabytes, goodBytes = 0 } of RUNS) {
    const bad = goodBytes === 0 ? '2 % lost and 40 ms of jitter' : `2 % lost and 40 ms of jitter after ${goodBytes / 1e6} MB`
    it(`carries ${megabytes} MB whole, ${bad}, ${sender} → ${sender === 'ours' ? 'libsrt' : 'ours'}, ours is the ${ours}, ` +
      (isEncrypted ? 'encrypted' : 'plain'), async () => {
      const bytes = randomBytes(new SeededRandom(megabytes), megabytes * 1_000_000)
      const expected = createHash('sha256').update(bytes).digest('hex')
      // as a listener the program names the file after the stream id
      const name = `${ours}-${sender}-${isEncrypted ? 'encrypted' : 'plain'}-${megabytes}`
      const file = join(folder, name)
      const options: ConnectionOptions = { mode: 'stream', passphrase: isEncrypted ? PASSPHRASE : undefined }
      const query = isEncrypted ? `?passphrase=${PASSPHRASE}` : ''
      const listener = ours === 'listener' ? await SrtListener.listen({ host: '127.0.0.1', ...options }) : undefined
      const target = listener?.address.port ?? await freePort()
      const proxy = await ImpairingProxy.start({ ...goodBytes === 0 ? IMPAIRMENT : { lossRatio: 0 }, seed: 51, target: { port: target } })
      if (sender === 'libsrt') {
        writeFileSync(file, bytes)
      }
      const theirs = ours === 'listener' ? `srt://127.0.0.1:${proxy.port}${query}` : `srt://:${target}${query}`
      const program = new ForeignProgram(PROGRAM, sender === 'ours' ? ['-q', theirs, `file://${file}`] : ['-q', `file://${file}`, theirs])
      try {
        const socket = await within(
          listener?.accept() ?? connect({ port: proxy.port, connectTimeoutMs: 10_000, ...options, streamId: name }), 'Connecting')
        if (sender === 'ours') {
          await within(socket.write(bytes), 'Sending')
          await within(socket.close(), 'Closing')
          expect(socket.error).equal(undefined)
          await within(program.exited, 'Writing')
          expect(statSync(file).size).equal(bytes.length)
          expect(await sha256(createReadStream(file))).equal(expected)
        } else {
          let received = 0
          const counted = async function * (): AsyncGenerator<Uint8Array> {
            for await (const payload of socket) {
              received += payload.length
              if (received > goodBytes) {
                proxy.impairment = IMPAIRMENT
              }
              yield payload
            }
          }
          expect(await within(sha256(counted()), 'Receiving')).equal(expected)
          expect(received).equal(bytes.length)
        }
        const sent = proxy.forward.packets + proxy.backward.packets
        expect(proxy.forward.lost + proxy.backward.lost).greaterThan(sent * 0.01)
      } finally {
        await program.stop()
        proxy.stop()
        await listener?.close()
        rmSync(file, { force: true })
      }
    })
  }

  it(`carries 50 MB whole between two of ours, 2 % lost and 40 ms of jitter, encrypted`, async () => {
    const bytes = randomBytes(new SeededRandom(61), 50_000_000)
    const options: ConnectionOptions = { mode: 'stream', passphrase: PASSPHRASE }
    const listener = await SrtListener.listen({ host: '127.0.0.1', ...options })
    const proxy = await ImpairingProxy.start({ ...IMPAIRMENT, seed: 62, target: { port: listener.address.port } })
    try {
      const caller = await connect({ port: proxy.port, connectTimeoutMs: 10_000, ...options })
      const hashing = sha256(await listener.accept())
      await within(caller.write(bytes), 'Sending')
      await within(caller.close(), 'Closing')
      expect(await hashing).equal(createHash('sha256').update(bytes).digest('hex'))
    } finally {
      proxy.stop()
      await listener.close()
    }
  })
})
