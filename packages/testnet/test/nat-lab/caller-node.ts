/**
 * A peer in a host of the laboratory that calls a model of others: `caller-node.ts OPTIONS`, in JSON. It prints a line for each change of a path, and
 * answers commands, one in a line: `{ id, ask: ['find', RELAYED] }` waits for an offer of the model; `['call', TOKENS]` asks for an answer of so many
 * tokens; `['state']` tells bytes by path and what was tried.
 */
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createPeer } from '@skein/peer'
import { webRtc } from '@skein/webrtc'

export interface CallerOptions {
  seeds: string[]
  stun: string[]
  listen: string[]
  model: string
}

const { seeds, stun, listen, model } = JSON.parse(process.argv[2] ?? '{}') as CallerOptions
const FIND_PAUSE_MS = 50

function tell (line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), ...line })}\n`)
}

const startMs = Date.now()
const peer = await createPeer({ bootstrap: seeds, listen, reachability: { stun, webrtc: webRtc() } })
peer.addEventListener('path:changed', ({ detail }) => { tell({ event: 'path', ...detail }) })
peer.addEventListener('call:attempt', ({ detail: { peer, deltas, error } }) => { tell({ event: 'attempt', peer, deltas, error: error && causesOf(error) }) })
tell({ event: 'joined', peer: peer.id, tookMs: Date.now() - startMs })

async function found (): Promise<Record<string, unknown>> {
  const startMs = Date.now()
  for (;;) {
    for await (const { peer: provider, addresses } of peer.findModel(model)) {
      if (addresses.length > 0) {
        return { provider, addresses, tookMs: Date.now() - startMs }
      }
    }
    await new Promise(resolve => setTimeout(resolve, FIND_PAUSE_MS))
  }
}

async function called (tokens: number): Promise<Record<string, unknown>> {
  const startMs = Date.now()
  let firstMs: number | undefined
  let pieces = 0
  const hash = createHash('sha256')
  let chars = 0
  const chat = peer.chat({ model, messages: [{ role: 'user', content: 'Call me' }], max_tokens: tokens })
  try {
    for await (const { text } of chat) {
      firstMs ??= Date.now() - startMs
      pieces++
      chars += text.length
      hash.update(text)
    }
    const { path, attempts } = await chat.route
    return { firstMs, pieces, chars, sha256: hash.digest('hex'), path, attempts, tookMs: Date.now() - startMs }
  } catch (error) {
    return { firstMs, pieces, chars, error: causesOf(error as Error), tookMs: Date.now() - startMs }
  }
}

/** What went wrong, and why. */
function causesOf ({ message, cause, errors }: Error & { errors?: Error[] }): string {
  const causes = [...errors ?? [], ...cause instanceof Error ? [cause] : []].map(causesOf)
  return causes.length === 0 ? message : `${message} (${[...new Set(causes)].join('; ')})`
}

async function answer ([command, argument]: string[]): Promise<Record<string, unknown>> {
  switch (command) {
    case 'find':
      return await found()
    case 'call':
      return await called(Number(argument))
    case 'state': {
      const { bytes_total: bytes, tries_total: tried, tries_worked_total: worked } = peer.meshServices.paths?.counters ?? {}
      const connections = peer.libp2p.getConnections()
        .map(({ remotePeer, remoteAddr, streams }) => ({
          to: remotePeer.toString(),
          address: remoteAddr.toString(),
          requests: streams.filter(({ protocol }) => protocol.startsWith('/skein/inference/')).length
        }))
      return { bytes, tried, worked, standing: peer.standing, paths: peer.paths, connections }
    }
    default:
      throw new RangeError(`There is no command ${command}`)
  }
}

createInterface({ input: process.stdin }).on('line', line => {
  const { id, ask } = JSON.parse(line) as { id: number, ask: string[] }
  void answer(ask).then(told => { tell({ id, ...told }) })
})
