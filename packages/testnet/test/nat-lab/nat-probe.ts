/**
 * A process in a host that probes its NAT, or is probed. It reads commands, one in a line: `{ id, ask: [command, ...arguments] }`, and answers each with
 * a line of the same id. `serve ADDRESS OTHER [ADDRESS6 OTHER6]` answers STUN from then on, with RFC 5780's second address; `nat SERVER` asks what kind
 * of NAT there is; `ping SERVER COUNT` asks so many times; `listen PORT…` lets itself be connected to over TCP; `tcp HOST PORT` connects.
 */
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { natMapping, stunQuery, StunResponder } from '@skein/supernode/node'

/** Nobody is far away in the laboratory, but the machine may be busy. */
const PATIENCE = { rtoMs: 100, sends: 4, filterSends: 2 } as const
const TCP_TIMEOUT_MS = 2_000
const PINGS_AT_ONCE = 100

async function listen (port: number): Promise<void> {
  await new Promise<void>(resolve => {
    createServer(socket => {
      socket.on('error', () => {})
      socket.end(`${socket.remoteAddress}`)
    }).listen({ port, host: '::' }, resolve)
  })
}

async function connected (host: string, port: number): Promise<string | undefined> {
  return await new Promise(resolve => {
    const socket = connect({ host, port })
    let told = ''
    socket.setTimeout(TCP_TIMEOUT_MS, () => { socket.destroy() })
    socket.on('error', () => {})
    socket.on('data', data => { told += data.toString() })
    socket.on('close', () => { resolve(told === '' ? undefined : told) })
  })
}

async function answer ([command, ...args]: string[]): Promise<Record<string, unknown>> {
  const [host = ''] = args
  switch (command) {
    case 'serve': {
      for (let i = 0; i < args.length; i += 2) {
        const limit = { ratePerSecond: 10_000, burst: 10_000 }
        await StunResponder.start({ host: args[i], port: 3478, alternateHost: args[i + 1], alternatePort: 3479, limit })
      }
      return {}
    }
    case 'listen':
      await Promise.all(args.map(async port => { await listen(Number(port)) }))
      return {}
    case 'nat': {
      const { mapping, filtering, seen, failed } = await natMapping([{ host }], { ...PATIENCE, family: host.includes(':') ? 'IPv6' : 'IPv4' })
      return { mapping, filtering, ports: seen.map(({ mapped }) => mapped.port), local: seen[0]?.local.host, failed: failed.map(({ error }) => error.name) }
    }
    case 'ping': {
      let answered = 0
      const one = async (): Promise<void> => { await stunQuery({ host }, { rtoMs: 30, sends: 1 }).then(() => { answered++ }, () => {}) }
      for (let left = Number(args[1]); left > 0; left -= PINGS_AT_ONCE) {
        await Promise.all(Array.from({ length: Math.min(left, PINGS_AT_ONCE) }, one))
      }
      return { answered }
    }
    case 'tcp':
      return { seenAs: (await connected(host, Number(args[1])))?.replace('::ffff:', '') ?? 'not connected' }
    default:
      throw new RangeError(`There is no command ${command}`)
  }
}

createInterface({ input: process.stdin }).on('line', line => {
  const { id, ask } = JSON.parse(line) as { id: number, ask: string[] }
  void answer(ask).then(told => { process.stdout.write(`${JSON.stringify({ id, ...told })}\n`) })
})
