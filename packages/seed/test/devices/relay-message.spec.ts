import { expect } from 'chai'
import fc from 'fast-check'
import { decodeRelayMessage, encodeRelayMessage, signalText } from '../../src/devices/relay-message.ts'
import { RelayRefusal } from '../../src/devices/relay-refusal.ts'
import { decodeSessionMessage, encodeSessionMessage } from '../../src/devices/session-message.ts'
import { dateOf, unixMsOf } from '../../src/devices/tagged-message.ts'
import { capabilitiesOf } from './device-client.ts'
import type { RelayKind } from '../../src/devices/relay-message.ts'
import type { SessionKind } from '../../src/devices/session-message.ts'

const A = 'a1'.repeat(32)
const B = 'b2'.repeat(32)
const route = { fromNodeID: A, toNodeID: B, sessionID: 's' }
const connectionInfo = { publicIP: '203.0.113.7', publicPort: 1, localIP: '10.0.0.1', localPort: 65_535, natType: 'fullCone', wgPublicKey: 'wg' }
const signal = { ...route, connectionInfo, signature: '0f'.repeat(64) }
const greeting = { deviceInfo: {}, protocolVersion: 1, loadedModels: ['m'] }
const beat = { deviceID: A, timestamp: 1.5, thermalLevel: 'fair', throttleLevel: 0, loadedModels: [], isGenerating: true, queueDepth: 0, ewmaTokensPerSecond: 3.5 }

const VALID: Record<RelayKind, Record<string, any>> = {
  register: { nodeID: A, publicKey: A, displayName: 'x', capabilities: capabilitiesOf(), signature: '00'.repeat(64) },
  registerAck: { nodeID: A, registeredAt: 1.5, ttlSeconds: 300 },
  discover: { requestingNodeID: A, filter: { modelID: 'm', minRAMGB: 8.5, minTier: 3 } },
  discoverResponse: { peers: [{ nodeID: A, publicKey: A, wgPublicKey: null, displayName: 'x', capabilities: capabilitiesOf(), lastSeen: 1, natType: 'unknown', endpoints: [] }] },
  offer: signal,
  answer: signal,
  iceCandidate: { ...route, candidate: { ip: '::1', port: 1, type: 'relayed', priority: 1_694_498_815 } },
  relayOpen: route,
  relayReady: route,
  relayData: { ...route, data: 'AAAA' },
  relayClose: route,
  peerJoined: { nodeID: A, displayName: 'x' },
  peerLeft: { nodeID: A, displayName: 'x' },
  error: { code: 'peer_not_found', message: 'no' }
}

const VALID_SESSION: Record<SessionKind, Record<string, any>> = {
  hello: greeting,
  helloAck: greeting,
  heartbeat: beat,
  heartbeatAck: beat,
  inferenceRequest: { requestID: 'r', request: { model: 'm', messages: [], temperature: 0 }, streaming: true },
  inferenceChunk: { requestID: 'r', chunk: { choices: [] } },
  inferenceComplete: { requestID: 'r' },
  inferenceError: { requestID: 'r', errorMessage: 'no', code: 'busy' }
}

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

function refusal (decode: () => unknown): RelayRefusal {
  try {
    decode()
  } catch (error) {
    expect(error).to.be.instanceOf(RelayRefusal)
    return error as RelayRefusal
  }
  throw new Error('It was accepted')
}

/** A copy with the field at `path` set, or taken out. */
function changed (payload: object, path: string, value: unknown): object {
  const copy = structuredClone(payload)
  const keys = path.split('.')
  const last = keys.pop()!
  const owner = keys.reduce<any>((object, key) => object[key], copy)
  if (value === undefined) {
    delete owner[last]
  } else {
    owner[last] = value
  }
  return copy
}

describe('the messages of existing devices', () => {
  for (const wrapped of [false, true]) {
    for (const kind of Object.keys(VALID) as RelayKind[]) {
      it(`carries ${kind}, ${wrapped ? 'wrapped' : 'plain'}`, () => {
        const text = encodeRelayMessage(kind, VALID[kind] as never, wrapped)
        expect(JSON.parse(text)).to.deep.equal({ [kind]: wrapped ? { _0: VALID[kind] } : VALID[kind] })
        expect(decodeRelayMessage(bytes(text))).to.deep.equal({ kind, payload: VALID[kind], wrapped })
      })
    }
    for (const kind of Object.keys(VALID_SESSION) as SessionKind[]) {
      it(`carries ${kind} in a session, ${wrapped ? 'wrapped' : 'plain'}`, () => {
        expect(decodeSessionMessage(bytes(encodeSessionMessage(kind, VALID_SESSION[kind] as never, wrapped))))
          .to.deep.equal({ kind, payload: VALID_SESSION[kind], wrapped })
      })
    }
  }

  it('refuses each required field when it is missing, and each field of a wrong type', () => {
    const optional = new Set(['wgPublicKey', 'filter', 'modelID', 'minRAMGB', 'minTier', 'gpuBackend', 'platform', 'gpuVRAMGB', 'ptnIDs', 'swappableModels',
      'maxConcurrentRequests', 'effectiveContext', 'onACPower', 'ewmaTokensPerSecond', 'code in inferenceError', 'temperature'])
    let checked = 0
    for (const [kinds, decode] of [[VALID, decodeRelayMessage], [VALID_SESSION, decodeSessionMessage]] as const) {
      for (const [kind, payload] of Object.entries(kinds)) {
        const visit = (object: Record<string, any>, prefix: string): void => {
          for (const [key, value] of Object.entries(object)) {
            const path = `${prefix}${key}`
            const free = key === 'temperature' || path.startsWith('deviceInfo.') || path.startsWith('chunk.')
            for (const wrong of free ? [] : [undefined, [], {}, true, 7, 'x'.repeat(5_000), null]) {
              const sameType = Array.isArray(value) ? Array.isArray(wrong) : typeof value === typeof wrong && !Array.isArray(wrong) && wrong !== null
              if ((sameType && typeof wrong !== 'string') || (wrong == null && (optional.has(key) || optional.has(`${key} in ${kind}`)))) {
                continue
              }
              if (typeof wrong === 'string' && (['message', 'errorMessage', 'model'].includes(key))) {
                continue // bounded by the message only
              }
              if (key === 'code' && typeof wrong === 'number' && kind === 'inferenceError') {
                continue
              }
              if (key === 'code' && typeof wrong === 'string' && kind === 'error') {
                continue
              }
              if (key === 'data' && typeof wrong === 'string') {
                continue // 5,000 x are base64
              }
              const error = refusal(() => decode(bytes({ [kind]: changed(payload, path, wrong) })))
              expect(error.code, `${kind} ${path} ${String(wrong).slice(0, 20)}`).to.equal(kind === 'register' ? 'invalid_register' : 'invalid_message')
              expect(error.message, path).to.include(key)
              checked++
            }
            if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
              visit(value, `${path}.`)
            }
          }
        }
        visit(payload, '')
      }
    }
    expect(checked).to.be.greaterThan(500)
  })

  const VALUES: Array<[kind: RelayKind, path: string, value: unknown]> = [
    ['register', 'nodeID', 'a1'.repeat(31)], ['register', 'nodeID', 'g1'.repeat(32)], ['register', 'publicKey', `0x${'a1'.repeat(31)}`],
    ['register', 'signature', 'a1'.repeat(63)], ['register', 'displayName', 'a\nb'], ['register', 'displayName', 'x'.repeat(129)],
    ['register', 'capabilities.hardware.tier', 0], ['register', 'capabilities.hardware.tier', 5], ['register', 'capabilities.hardware.tier', 1.5],
    ['register', 'capabilities.hardware.totalRAMGB', -1], ['register', 'capabilities.hardware.gpuBackend', 'opengl'],
    ['register', 'capabilities.hardware.platform', 'beos'], ['register', 'capabilities.loadedModels', ['']],
    ['register', 'capabilities.loadedModels', Array.from({ length: 65 }, () => 'm')], ['register', 'capabilities.loadedModels', [1]],
    ['register', 'capabilities.isAvailable', 1], ['register', 'capabilities.effectiveContext', -1],
    ['discover', 'filter.minTier', 9], ['discover', 'filter.modelID', ''], ['offer', 'sessionID', ''], ['offer', 'sessionID', 'x'.repeat(129)],
    ['offer', 'connectionInfo.publicPort', 65_536], ['offer', 'connectionInfo.localPort', 1.5], ['iceCandidate', 'candidate.type', 'prflx'],
    ['iceCandidate', 'candidate.ip', ''], ['relayData', 'data', 'AAA'], ['relayData', 'data', 'A*AA'], ['relayData', 'data', 'AA A'],
    ['relayData', 'data', 'AA\n\n'], ['relayData', 'data', '===='], ['relayData', 'data', 'A==='], ['relayData', 'data', 'AA=A']
  ]
  for (const [kind, path, value] of VALUES) {
    it(`refuses ${kind} with ${path} = ${JSON.stringify(value).slice(0, 40)}`, () => {
      refusal(() => decodeRelayMessage(bytes({ [kind]: changed(VALID[kind], path, value) })))
    })
  }

  it('takes fields it does not know, and null for what is optional', () => {
    const payload = { ...VALID.register, wgPublicKey: null, later: { x: [1] } }
    expect(decodeRelayMessage(bytes({ register: payload }))).to.deep.include({ payload })
  })

  it('takes a depth of 16, not of 17', () => {
    const nested = (depth: number): unknown => depth === 0 ? 1 : [nested(depth - 1)]
    expect(decodeRelayMessage(bytes({ relayOpen: { ...route, more: nested(14) } })).kind).to.equal('relayOpen')
    expect(refusal(() => decodeRelayMessage(bytes({ relayOpen: { ...route, more: nested(15) } }))).code).to.equal('invalid_json')
  })

  const AMBIGUOUS = [
    '{"relayOpen":{},"relayOpen":{}}',
    `{"relayOpen":{"fromNodeID":"${A}","toNodeID":"${B}","sessionID":"s","fromNodeID":"${B}"}}`,
    `{"relayOpen":{"fromNodeID":"${A}","toNodeID":"${B}","sessionID":"s","\\u0066romNodeID":"${B}"}}`
  ]
  for (const text of AMBIGUOUS) {
    it(`refuses what two parsers may read differently: ${text.slice(0, 30)}…${text.slice(-30)}`, () => {
      expect(refusal(() => decodeRelayMessage(bytes(text))).code).to.equal('invalid_json')
    })
  }

  it('is not misled by what stands in strings', () => {
    const payload = { ...route, sessionID: '"}:{[\\"::' }
    expect(decodeRelayMessage(bytes({ relayOpen: payload })).payload).to.deep.equal(payload)
  })

  it('throws nothing but refusals, whatever the bytes', () => {
    fc.assert(fc.property(fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json({ maxDepth: 4 }).map(bytes),
      fc.record({ kind: fc.constantFrom(...Object.keys(VALID)), value: fc.jsonValue({ maxDepth: 4 }) }).map(({ kind, value }) => bytes({ [kind]: value }))
    ), input => {
      for (const decode of [decodeRelayMessage, decodeSessionMessage]) {
        try {
          decode(input)
        } catch (error) {
          expect(error).to.be.instanceOf(RelayRefusal)
        }
      }
    }), { numRuns: 5_000 })
  })

  it('counts dates from 2001', () => {
    expect(dateOf(Date.UTC(2001, 0, 1))).to.equal(0)
    expect(dateOf(Date.UTC(2001, 0, 1, 0, 0, 1, 500))).to.equal(1.5)
    expect(dateOf(0)).to.equal(-978_307_200)
    expect(unixMsOf(dateOf(1_700_000_000_123))).to.be.closeTo(1_700_000_000_123, 0.01)
  })

  it('signs from:to:session', () => {
    expect(signalText(route)).to.equal(`${A}:${B}:s`)
  })
})
