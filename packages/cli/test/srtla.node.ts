import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'

const BIN = fileURLToPath(new URL('../src/bin/skein.ts', import.meta.url))

/** What a command printed, and its status. */
async function skein (...args: string[]): Promise<{ stdout: string, stderr: string, code: number }> {
  return await promisify(execFile)(process.execPath, ['--conditions=skein-source', BIN, ...args])
    .then(({ stdout, stderr }) => ({ stdout, stderr, code: 0 }), ({ stdout, stderr, code }) => ({ stdout, stderr, code }))
}

/** A UDP port of 127.0.0.1 that nobody has now. */
async function freeUdpPort (): Promise<string> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return String(port)
}

describe('skein srtla', function () {
  this.timeout(120_000)

  const processes: SkeinProcess[] = []
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-srtla-'))
  })

  afterEach(async () => {
    await Promise.all(processes.splice(0).map(async process => { await process.dispose() }))
    await rm(folder, { recursive: true })
  })

  function start (...args: string[]): SkeinProcess {
    const process = new SkeinProcess(['srtla', ...args])
    processes.push(process)
    return process
  }

  it('carries packets from an encoder to a listener, takes links from a file that changes, and shows them', async () => {
    const listener = createSocket('udp4')
    const encoder = createSocket('udp4')
    try {
      listener.bind(0, '127.0.0.1')
      await once(listener, 'listening')
      const [port, listenPort] = [await freeUdpPort(), await freeUdpPort()]
      const receiver = start('receive', '--host', '127.0.0.1', '--port', port, '--srt-port', String(listener.address().port), '--stats-port', '0')
      const { stats } = await receiver.event('listening')
      expect(stats).to.match(/^http:\/\/127\.0\.0\.1:\d+$/)
      const file = join(folder, 'links.txt')
      await writeFile(file, '# modems\n127.0.0.2\n127.0.0.3\n')
      const sender = start('send', listenPort, '127.0.0.1', port, file, '--stats-port', '0')
      await Promise.all(['127.0.0.2', '127.0.0.3'].map(async link => await sender.event('link-up', event => event.link === link)))

      const packet = Buffer.alloc(100)
      packet.writeUInt32BE(77)
      encoder.send(packet, Number(listenPort), '127.0.0.1')
      const [bytes] = await once(listener, 'message') as [Buffer]
      expect(bytes).to.deep.equal(packet)

      await writeFile(file, '127.0.0.3\n127.0.0.4\n')
      sender.kill('SIGHUP')
      await sender.event('link-up', event => event.link === '127.0.0.4')

      const text = await skein('srtla', 'status', stats)
      expect(text.code).to.equal(0)
      expect(text.stdout).to.match(/^0x[0-9a-f]{16} {2}\(no stream id yet\) {2}0\.0 MB over \d links$/m)
      expect(text.stdout).to.match(/^ {2}127\.0\.0\.4:\d+ +ok +0\.0 %/m)
      const json = await skein('srtla', 'status', `${stats}/stats`, '--json')
      expect(JSON.parse(json.stdout).groups[0]).to.include.keys('id', 'total_bytes', 'conn_count', 'connections')

      const { stats: sending } = await sender.event('listening')
      const ofSender = await skein('srtla', 'status', sending)
      expect(ofSender.stdout, ofSender.stderr).to.match(/^ {2}127\.0\.0\.4 +ok .* \d+ of \d+ in flight +0 lost/m)
      expect(await (await fetch(`${sending}/metrics`)).text()).to.match(/^skein_srtla_send_link_up\{link="127\.0\.0\.4"\} 1$/m)

      sender.kill('SIGTERM')
      expect((await sender.exit()).code).to.equal(0)
      receiver.kill('SIGTERM')
      expect((await receiver.exit()).code).to.equal(0)
    } finally {
      listener.close()
      encoder.close()
    }
  })

  it('takes links from network interfaces', async () => {
    const receiver = start('receive', '--host', '127.0.0.1', '--port', '0', '--no-stats')
    const { port } = await receiver.event('listening')
    const sender = start('send', '0', '127.0.0.1', String(port), '--interfaces', 'lo,there-is-none')
    expect(await sender.event('link-up')).to.include({ link: '127.0.0.1' })
    expect((await sender.event('listening')).links).to.deep.equal(['127.0.0.1'])
  })

  it('says what was asked wrongly', async () => {
    const neither = await skein('srtla', 'send', '4000', '127.0.0.1', '5000')
    expect([neither.code, neither.stderr]).to.deep.equal([2, 'skein: Name either a file with the source addresses of the links, or --interfaces\n'])
    const noFile = await skein('srtla', 'send', '4000', '127.0.0.1', '5000', join(folder, 'none.txt'))
    expect([noFile.code, noFile.stderr.includes('none.txt cannot be read')]).to.deep.equal([1, true])
  })

  it('says that no receiver answers', async () => {
    const { code, stderr } = await skein('srtla', 'status', 'http://127.0.0.1:9')
    expect([code, stderr.includes('Is "skein srtla receive" running there?')]).to.deep.equal([1, true])
  })

  it('starts without a table of carriers, and says so', async () => {
    const receiver = start('receive', '--host', '127.0.0.1', '--port', '0', '--no-stats', '--mmdb', join(folder, 'none.mmdb'))
    const { message } = await receiver.event('problem', event => event.message.includes('none.mmdb'))
    expect(message).to.include('Statistics do not name carriers')
    expect(await receiver.event('listening')).to.not.have.property('stats')
  })
})
