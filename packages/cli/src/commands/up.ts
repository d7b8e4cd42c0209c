/** `skein up`: a whole mesh on this machine, and a first answer through it. */
import { deadline, sleep } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { InferenceError, SseParser } from '@skein/inference'
import { createPeer } from '@skein/peer'
import { smokeBackend } from '@skein/smoke-model'
import { createTestnet } from '@skein/testnet'
import { untilStopped } from '../command-context.ts'
import { findLocalServer } from '../local-server.ts'
import { startGateway } from '../peer-gateway.ts'
import type { CommandContext } from '../command-context.ts'
import type { Gateway } from '@skein/gateway'
import type { Peer } from '@skein/peer'
import type { Testnet } from '@skein/testnet'

export interface UpOptions {
  peers: number
  port: number
  prompt: string
  exit?: boolean
  /** Base URL, or `false` */
  localServer: string | false
}

const SERVING_PEERS = 2
const FIRST_ANSWER_TOKENS = 96
const FIRST_OFFER_TIMEOUT_MS = 15_000
const FIRST_ANSWER_TIMEOUT_MS = 60_000

export async function up ({ output, stop }: CommandContext, options: UpOptions): Promise<void> {
  const net = await createTestnet({ seeds: 1, peers: options.peers, signal: stop })
  const closing: Array<() => Promise<void>> = [async () => { await net.stop() }]
  try {
    output.event('seed', { id: net.seeds[0]?.id, addresses: net.bootstrap }, `seed     ${net.seeds[0]?.id}`)
    const model = await serve({ output, stop }, net, options)
    const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: net.bootstrap, signal: stop })
    closing.push(async () => { await peer.stop() })
    const gateway = await startGateway(peer, { port: options.port, host: '127.0.0.1' })
    closing.push(async () => { await gateway.stop({ drainMs: 1_000 }) })
    output.event('gateway', { id: peer.id, url: gateway.baseURL }, `gateway  ${gateway.baseURL}\n`)

    await untilOffered(peer, model, stop)
    await firstAnswer({ output, stop }, gateway, model, options.prompt)

    if (options.exit !== true) {
      output.event('ready', { url: gateway.baseURL, model }, howToUse(gateway, model))
      await untilStopped(stop)
    }
  } finally {
    for (const close of closing.reverse()) {
      await close()
    }
    output.event('stopped', {})
  }
}

/** Two peers serve the built-in model; if a model server runs on this machine, a third offers its models. */
async function serve ({ output }: CommandContext, net: Testnet, options: UpOptions): Promise<string> {
  const backend = smokeBackend()
  const [model] = await backend.models()
  const local = options.localServer === false ? undefined : await findLocalServer(options.localServer)
  for (const [i, peer] of net.peers.entries()) {
    const models: string[] = []
    if (i < SERVING_PEERS) {
      models.push(...(await peer.serve(backend)).models)
    }
    if (local != null && i === Math.min(SERVING_PEERS, net.peers.length - 1)) {
      models.push(...(await peer.serve(local.backend)).models)
    }
    const serves = models.length > 0 ? `  serves ${models.join(', ')}` : ''
    output.event('peer', { id: peer.id, addresses: peer.addresses, models }, `peer     ${peer.id}${serves}`)
  }
  return model?.id ?? ''
}

/** The offers are on their way from their peers to those that hold them; a gateway that has just started may be faster. */
async function untilOffered (peer: Peer, model: string, stop: AbortSignal): Promise<void> {
  const limit = deadline(systemClock(), FIRST_OFFER_TIMEOUT_MS, [stop])
  try {
    while (!limit.signal.aborted) {
      for await (const _ of peer.findModel(model, { signal: limit.signal })) {
        return
      }
      await sleep(systemClock(), 50, { signal: limit.signal })
    }
  } catch (error) {
    stop.throwIfAborted()
    throw new InferenceError('no_provider', `No offer of ${model} was found within ${FIRST_OFFER_TIMEOUT_MS / 1000} s`, { cause: error })
  } finally {
    limit.clear()
  }
}

async function firstAnswer ({ output, stop }: CommandContext, gateway: Gateway, model: string, prompt: string): Promise<void> {
  const clock = systemClock()
  const startMs = clock.nowMs()
  const limit = deadline(clock, FIRST_ANSWER_TIMEOUT_MS, [stop])
  try {
    output.event('request', { model, prompt }, `POST ${gateway.baseURL}/chat/completions  model=${model}  stream=true\n> ${prompt}\n`)
    const response = await fetch(`${gateway.baseURL}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, stream: true, max_tokens: FIRST_ANSWER_TOKENS, messages: [{ role: 'user', content: prompt }] }),
      signal: limit.signal
    })
    if (!response.ok || response.body == null) {
      throw new InferenceError('backend_failed', `The gateway answered ${response.status}: ${await response.text()}`)
    }
    const answer = await readAnswer(response.body, text => { output.piece('delta', text) })
    const facts = {
      peer: response.headers.get('x-skein-peer'),
      path: response.headers.get('x-skein-path'),
      attempts: Number(response.headers.get('x-skein-attempts')),
      pieces: answer.pieces,
      durationMs: Math.round(clock.nowMs() - startMs)
    }
    output.event('answer', { ...facts, text: answer.text },
      `\n\ncomplete: ${facts.pieces} pieces in ${facts.durationMs} ms from ${facts.peer} (${facts.path}, attempt ${facts.attempts})\n`)
  } finally {
    limit.clear()
  }
}

/** Reads a stream of OpenAI chunks to its `[DONE]`. */
async function readAnswer (body: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<{ text: string, pieces: number }> {
  const parser = new SseParser()
  let text = ''
  let pieces = 0
  for await (const bytes of body) {
    for (const data of parser.push(bytes)) {
      if (data === '[DONE]') {
        return { text, pieces }
      }
      const chunk = JSON.parse(data) as { error?: { message: string }, choices?: Array<{ delta?: { content?: string } }> }
      if (chunk.error != null) {
        throw new InferenceError('stream_truncated', chunk.error.message)
      }
      const content = chunk.choices?.[0]?.delta?.content ?? ''
      if (content !== '') {
        text += content
        pieces++
        onText(content)
      }
    }
  }
  throw new InferenceError('stream_truncated', 'The answer broke off')
}

function howToUse (gateway: Gateway, model: string): string {
  return `Any OpenAI client can use the mesh now:

  curl ${gateway.baseURL}/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"It was"}]}'

  export OPENAI_BASE_URL=${gateway.baseURL} OPENAI_API_KEY=none

Health: ${gateway.url}/health   Metrics: ${gateway.url}/metrics   Ctrl-C stops the mesh.`
}
